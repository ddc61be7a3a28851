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
        Assert.EndsWith("there is one for 5 bytes.", Assert.Throws<ArgumentException>(() => BudgetPlanner.Plan(unit, 4)).Message);
        Assert.EndsWith("there is one for 13 bytes.", Assert.Throws<ArgumentException>(() => BudgetPlanner.Plan(Heterogeneous, 12)).Message);
    }

    [Fact]
    public void NoPersistentScheduleIsFaster()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 12; trial++)
        {
            var chain = RandomChains.Next(random, length: 1 + trial % 4);
            double before = 0;
            for (long budget = RandomChains.PlainPeak(chain); budget > 0; budget--)
            {
                double known = ScheduleSearch.LeastMs(chain, budget, isPersistent: true);
                var table = new PersistentTable(chain, budget, new PlannerOptions { Slots = 1000 });
                Assert.Equal(known, table.Ms(table.BudgetSlots));
                if (double.IsInfinity(known)) break;
                Assert.Equal(known, Check(chain, budget).Ms);
                Assert.True(known >= before, "less memory never takes less time");
                before = known;
                if (chain.Length < 4) Assert.True(ScheduleSearch.LeastMs(chain, budget, isPersistent: false) <= known);
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
            int slots = table.BudgetSlots;
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

    [Fact]
    public void NarrowStorageIsUsedWhereAllowedAndWorthIt()
    {
        // Ten parts of internals for one of output: storing them in bf16 costs a tenth of what running the stage again does.
        var chain = Chain.Uniform(8, new ChainStage(4, 8, 10, 110).WithNarrow(castBytesPerMs: 250));
        long budget = RandomChains.PlainPeak(chain) * 3 / 4;
        var options = new PlannerOptions { AllowNarrow = true };
        var narrow = ScheduleSimulator.Run(chain, BudgetPlanner.Plan(chain, budget, options));
        Assert.InRange(narrow.PeakBytes, 1, budget);
        Assert.Equal(8, narrow.ForwardRuns.Sum());
        Assert.True(narrow.Ms < Check(chain, budget).Ms);
        Assert.DoesNotContain(BudgetPlanner.Plan(chain, budget), op => op.IsNarrow);
        Assert.DoesNotContain(BudgetPlanner.Plan(chain, RandomChains.PlainPeak(chain), options), op => op.IsNarrow);
    }

    [Fact]
    public void ReportedSmallestPeakCanBePlanned()
    {
        // Sizes without a common measure, so that slots round them up.
        var random = new Random(2);
        for (int trial = 0; trial < 5; trial++)
        {
            ChainStage Stage(int _) => new(1, 2, random.Next(1000, 9000), random.Next(9000, 90_000), 0, random.Next(9000));
            var chain = new Chain(random.Next(9000), Enumerable.Range(0, 12).Select(Stage).ToArray());
            long least = BudgetPlanner.SmallestPeak(chain);
            Check(chain, least);
            Assert.Throws<ArgumentException>(() => BudgetPlanner.Plan(chain, least / 2));
        }
    }

    [Fact]
    public void RoundingCostsNoTimeWhereTheBytesFit()
    {
        var random = new Random(3);
        int faster = 0;
        for (int trial = 0; trial < 10; trial++)
        {
            var chain = RandomChains.Next(random, 12);
            long budget = (BudgetPlanner.SmallestPeak(chain) + RandomChains.PlainPeak(chain)) / 2;
            var table = new PersistentTable(chain, budget, new PlannerOptions { Slots = 25 });
            double rounded = table.Ms(table.BudgetSlots), exact = Check(chain, budget).Ms;
            var plan = ScheduleSimulator.Run(chain, BudgetPlanner.Plan(chain, budget, new PlannerOptions { Slots = 25 }));
            Assert.InRange(plan.PeakBytes, 1, budget);
            Assert.InRange(plan.Ms, exact, rounded);
            if (plan.Ms < rounded) faster++;
        }
        Assert.True(faster > 0);
    }

    [Fact]
    public void LongChainsNeedFewerSlots()
    {
        var chain = Chain.Uniform(1000, new ChainStage(1, 1, 1001, 1002));
        Assert.Contains("join stages or lower the slots",
            Assert.Throws<ArgumentException>(() => BudgetPlanner.Plan(chain, 500_000)).Message, StringComparison.Ordinal);
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
