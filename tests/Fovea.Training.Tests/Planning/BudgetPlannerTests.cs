using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class BudgetPlannerTests
{
    // Times of the optimal persistent schedules of unit chains (f = b = a = 1, ā = 2), from an independent implementation.
    public static TheoryData<int, int, double> UnitChains => Rows(
        (4, "5:14 6:11 7:10 8:10 9:9 10:8"),
        (8, "5:44 6:29 7:25 8:23 9:22 10:21 11:20 13:19 15:18 17:17 18:16"),
        (10, "5:65 6:40 7:34 8:30 9:28 10:27 12:26 13:25 15:24 17:23 19:22 21:21 22:20"));

    [Theory, MemberData(nameof(UnitChains))]
    public void UnitChainTakesTheKnownTime(int length, int budget, double ms) =>
        Assert.Equal(ms, Check(Chain.Uniform(length, new ChainStage(1, 1, 1, 2)), budget).Ms);

    private static readonly Chain Heterogeneous = new(2,
        [new(4, 5, 4, 7), new(1, 2, 1, 3), new(2, 3, 3, 5), new(3, 4, 2, 4), new(1, 2, 1, 2)]);

    [Theory]
    [InlineData(13, 34)]
    [InlineData(15, 32)]
    [InlineData(19, 31)]
    [InlineData(20, 30)]
    [InlineData(22, 28)]
    [InlineData(24, 27)]
    public void HeterogeneousChainTakesTheKnownTime(int budget, double ms) => Assert.Equal(ms, Check(Heterogeneous, budget).Ms);

    [Fact]
    public void BelowTheSmallestBudgetThereIsNoSchedule()
    {
        var unit = Chain.Uniform(4, new ChainStage(1, 1, 1, 2));
        Assert.Contains("there is one for 5 bytes", Assert.Throws<ArgumentException>(() => BudgetPlanner.Plan(unit, 4)).Message, StringComparison.Ordinal);
        Assert.Contains("there is one for 13 bytes", Assert.Throws<ArgumentException>(() => BudgetPlanner.Plan(Heterogeneous, 12)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoPersistentScheduleIsFaster()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 12; trial++)
        {
            var chain = RandomChains.Next(random, length: 1 + trial % 4);
            for (long budget = RandomChains.PlainPeak(chain); budget > 0; budget--)
            {
                double known = ScheduleSearch.LeastMs(chain, budget, isPersistent: true);
                var table = new PersistentTable(chain, budget, new PlannerOptions { Slots = 1000 });
                Assert.Equal(known, table.Ms(table.Slots - table.InputSlots));
                if (double.IsInfinity(known)) break;
                Assert.Equal(known, Check(chain, budget).Ms);
                Assert.True(ScheduleSearch.LeastMs(chain, budget, isPersistent: false) <= known);
            }
        }
    }

    [Theory]
    [InlineData(7, false)]
    [InlineData(20, true)]
    [InlineData(48, false)]
    public void SchedulesKeepTheBudgetAndTakeTheTimeOfTheTable(int length, bool hasNarrow)
    {
        var chain = RandomChains.Next(new Random(length), length, hasNarrow);
        var options = new PlannerOptions { Slots = 200, AllowNarrow = hasNarrow };
        int planned = 0;
        for (long budget = BudgetPlanner.SmallestPeak(chain); budget < RandomChains.PlainPeak(chain); budget += 1 + budget / 8)
        {
            var table = new PersistentTable(chain, budget, options);
            int slots = table.Slots - table.InputSlots;
            if (double.IsInfinity(table.Ms(slots))) continue;
            var simulation = ScheduleSimulator.Run(chain, table.Schedule(slots));
            Assert.True(simulation.PeakBytes <= budget, $"{simulation.PeakBytes} bytes live, the budget is {budget}");
            Assert.Equal(table.Ms(slots), simulation.Ms, 1e-9 * simulation.Ms);
            Assert.True(simulation.Ms >= chain.PlainMs);
            // More slots of the same table never take longer.
            for (int m = 1; m <= slots; m++) Assert.True(table.Ms(m) <= table.Ms(m - 1));
            planned++;
        }
        Assert.True(planned >= 3);
    }

    private static Simulation Check(Chain chain, long budget)
    {
        var simulation = ScheduleSimulator.Run(chain, BudgetPlanner.Plan(chain, budget));
        Assert.True(simulation.PeakBytes <= budget, $"{simulation.PeakBytes} bytes live, the budget is {budget}");
        return simulation;
    }

    private static TheoryData<int, int, double> Rows(params (int Length, string Times)[] tables)
    {
        var rows = new TheoryData<int, int, double>();
        foreach (var (length, times) in tables)
            foreach (string entry in times.Split(' '))
                rows.Add(length, int.Parse(entry.Split(':')[0], null), double.Parse(entry.Split(':')[1], null));
        return rows;
    }
}
