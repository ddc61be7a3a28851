using System.Text.Json;
using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class BinomialPlannerTests
{
    [Fact]
    public void ReachIsTheBinomialCoefficient()
    {
        int[][] table =
        [
            [2, 3, 4, 5, 6, 7], [3, 6, 10, 15, 21, 28], [4, 10, 20, 35, 56, 84], [5, 15, 35, 70, 126, 210], [6, 21, 56, 126, 252, 462],
        ];
        for (int slots = 1; slots <= 5; slots++)
            for (int repeats = 1; repeats <= 6; repeats++) Assert.Equal(table[slots - 1][repeats - 1], BinomialPlanner.Reach(slots, repeats));
        Assert.Equal(0, BinomialPlanner.Reach(3, -1));
        Assert.Equal(long.MaxValue, BinomialPlanner.Reach(1000, 1000));
    }

    [Theory]
    [InlineData(10, 3, 15, 2)]
    [InlineData(56, 3, 210, 5)]
    [InlineData(100, 5, 316, 4)]
    [InlineData(126, 5, 420, 4)]
    [InlineData(252, 5, 1050, 5)]
    [InlineData(1000, 10, 3636, 4)]
    public void ScheduleTakesTheKnownAdvances(int steps, int slots, int advances, int repeats)
    {
        Assert.Equal(advances, BinomialPlanner.Advances(steps, slots));
        Assert.Equal(repeats, BinomialPlanner.Repeats(steps, slots));
        CheckSchedule(steps, slots, advances, repeats);
    }

    [Fact]
    public void ClosedFormIsTheDynamicProgramme()
    {
        const int Steps = 79, Slots = 7;
        var least = new long[Steps + 1, Slots + 1];
        for (int l = 1; l <= Steps; l++)
        {
            least[l, 1] = l * (l - 1) / 2;
            for (int s = 2; s <= Slots; s++)
            {
                long Cost(int j) => j + least[l - j, s - 1] + least[j, s];
                least[l, s] = l == 1 ? 0 : Enumerable.Range(1, l - 1).Min(Cost);
                Assert.Equal(least[l, s], BinomialPlanner.Advances(l, s));
                if (l > 1) Assert.Equal(least[l, s], Cost(BinomialPlanner.FirstAdvance(l, s)));
            }
            Assert.Equal(least[l, 1], BinomialPlanner.Advances(l, 1));
        }
    }

    [Fact]
    public void PublishedTablesAgree()
    {
        using var document = JsonDocument.Parse(Checkout.Vectors("checkpoint_binomial.json"));
        int rows = 0;
        foreach (var table in document.RootElement.EnumerateArray())
        {
            foreach (var row in table.GetProperty("rows").EnumerateArray())
            {
                int slots = row.GetProperty("checkpoints").GetInt32();
                if (row.TryGetProperty("max_steps", out var most))
                    Assert.Equal(most.GetInt64(), BinomialPlanner.Reach(slots, row.GetProperty("repeats").GetInt32()));
                else
                    CheckSchedule(row.GetProperty("steps").GetInt32(), slots, row.GetProperty("extra_forward_steps").GetInt32(), int.MaxValue);
                rows++;
            }
        }
        Assert.True(rows > 60);
    }

    private static void CheckSchedule(int steps, int slots, int advances, int repeats)
    {
        var chain = Chain.Uniform(steps, new ChainStage(1, 1, 1, 1));
        var simulation = ScheduleSimulator.Run(chain, BinomialPlanner.Plan(chain, slots));
        Assert.Equal(advances, BinomialPlanner.Advances(steps, slots));
        Assert.Equal(advances + steps, simulation.ForwardRuns.Sum());
        // Each step has one run that saves.
        Assert.True(simulation.ForwardRuns.Max() - 1 <= repeats);
        // The slots, both ends of the step that runs, and a gradient.
        Assert.True(simulation.PeakBytes <= slots + 3, $"{simulation.PeakBytes} outputs live");
    }
}
