using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class OffloadTests
{
    private static readonly Chain Unit = Chain.Uniform(10, new ChainStage(1, 1, 1000, 2000));

    private static double Ms(Chain chain, long budget, HostLink? link) =>
        ScheduleSimulator.Run(chain, BudgetPlanner.Plan(chain, budget, new PlannerOptions { Link = link }), link).Ms;

    [Fact]
    public void FastCopiesReplaceRecomputation()
    {
        // A tenth of a stage's time per tensor: hidden wherever there is room for a second tensor.
        var link = new HostLink(10_000, 10_000);
        Assert.Equal(34, Ms(Unit, 7_000, null));
        Assert.InRange(Ms(Unit, 7_000, link), 20, 21);
        Assert.InRange(Ms(Unit, 5_000, link), 20, 24);
    }

    [Fact]
    public void SlowCopiesAreNotUsed()
    {
        var link = new HostLink(10, 10);
        Assert.Equal(Ms(Unit, 7_000, null), Ms(Unit, 7_000, link));
    }

    [Fact]
    public void ImpossibleLinksAndSlotsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => Ms(Unit, 7_000, new HostLink(0, 1)));
        Assert.Throws<ArgumentException>(() => Ms(Unit, 7_000, new HostLink(1, double.NaN)));
        Assert.Throws<ArgumentOutOfRangeException>(() => BudgetPlanner.Plan(Unit, 7_000, new PlannerOptions { Slots = 0 }));
    }

    [Fact]
    public void HostMemoryIsBounded()
    {
        var options = new PlannerOptions { Link = new HostLink(10_000, 10_000), HostBytes = 3_000 };
        var simulation = ScheduleSimulator.Run(Unit, BudgetPlanner.Plan(Unit, 7_000, options), options.Link);
        Assert.InRange(simulation.HostPeakBytes, 0, 3_000);
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(9, 8)]
    [InlineData(16, 20)]
    public void EveryScheduleIsValidAndNoneIsSlowerThanRecomputation(int length, int bytesPerMs)
    {
        var random = new Random(length);
        int faster = 0;
        for (int trial = 0; trial < 2; trial++)
        {
            var chain = RandomChains.Next(random, length, hasNarrow: trial == 1);
            var link = new HostLink(bytesPerMs, 1.5 * bytesPerMs, LatencyMs: 0.125);
            long least = BudgetPlanner.SmallestPeak(chain);
            for (long budget = least; budget < RandomChains.PlainPeak(chain); budget += 1 + least / 2)
            {
                var options = new PlannerOptions { Link = link, Slots = 50, AllowNarrow = trial == 1 };
                var simulation = ScheduleSimulator.Run(chain, BudgetPlanner.Plan(chain, budget, options), link);
                double without = ScheduleSimulator.Run(chain, BudgetPlanner.Plan(chain, budget, options with { Link = null })).Ms;
                Assert.InRange(simulation.PeakBytes, 1, budget);
                Assert.InRange(simulation.Ms, chain.PlainMs, without);
                if (simulation.Ms < without) faster++;
            }
        }
        Assert.True(faster > 0);
    }

    [Fact]
    public void NeedlessCopiesAreDropped()
    {
        var chain = Chain.Uniform(2, new ChainStage(1, 1, 10, 30));
        ScheduleTensor input = ScheduleTensor.Output(0), saved = ScheduleTensor.Saved(1);
        var builder = new ScheduleBuilder(2);
        builder.SaveAll(1);
        builder.ToHost(input);
        builder.ToHost(saved);
        builder.KeepAll(2, 2, isLossDue: true);
        builder.ToDevice(saved);
        builder.ToDevice(input);
        builder.Backward(1);
        var link = new HostLink(1000, 1000);
        long tight = ScheduleSimulator.Run(chain, builder.Ops, link).PeakBytes;
        Assert.Equal(50, tight);
        Assert.Equal(SegmentPlanner.KeepAll(chain), TransferOverlap.DropNeedless(chain, builder.Ops, link, budget: 80));
        // Ten bytes more than needed: the input may stay, the 20 saved bytes may not.
        var half = TransferOverlap.DropNeedless(chain, builder.Ops, link, budget: 60);
        Assert.Equal([saved], half.Where(op => op.Kind == ScheduleOpKind.Offload).Select(op => op.Tensor));
        Assert.Equal(builder.Ops, TransferOverlap.DropNeedless(chain, builder.Ops, link, tight));
    }

    [Fact]
    public void HidingCopiesNeverPassesTheBudgetAndTakesNoLonger()
    {
        var random = new Random(5);
        var link = new HostLink(4, 4);
        for (int trial = 0; trial < 30; trial++)
        {
            var chain = RandomChains.Next(random, 12);
            long budget = random.NextInt64(BudgetPlanner.SmallestPeak(chain), RandomChains.PlainPeak(chain) + 1);
            var table = new PersistentTable(chain, budget, new PlannerOptions { Link = link, Slots = 1000 }, copyPrice: 0.1);
            var tight = table.Schedule(table.BudgetSlots);
            var before = ScheduleSimulator.Run(chain, tight, link);
            var after = ScheduleSimulator.Run(chain, TransferOverlap.Hide(chain, tight, link, budget), link);
            Assert.InRange(before.PeakBytes, 1, budget);
            Assert.InRange(after.PeakBytes, 1, budget);
            Assert.True(after.Ms <= before.Ms, $"{after.Ms} ms, {before.Ms} ms without overlap");
            Assert.Equal(before.ComputeMs, after.ComputeMs);
        }
    }
}
