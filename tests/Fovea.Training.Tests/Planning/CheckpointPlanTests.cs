using Fovea.Training.Planning;
using static Fovea.Training.Planning.TensorFate;

namespace Fovea.Training.Tests.Planning;

public sealed class CheckpointPlanTests
{
    private const long Mega = 1 << 20;

    private static readonly Chain Four = new(Mega, Enumerable.Range(1, 4).Select(l => new ChainStage(l, 2, Mega, 2 * Mega) { Name = $"block{l}" }));

    [Fact]
    public void EveryTensorIsExplained()
    {
        var plan = new CheckpointPlan(Four, SegmentPlanner.Uniform(Four, 2));
        TensorFate[] fates = [Kept, Kept, Recomputed, Kept, Recomputed, Kept, Kept, Kept, Kept];
        Assert.Equal(fates, plan.Tensors.Select(t => t.Fate));
        Assert.Equal(2, plan.RecomputedStages);
        // What recomputing costs, tensor by tensor, is the whole difference to the plain step.
        Assert.Equal(plan.Ms - Four.PlainMs, plan.Tensors.Sum(t => t.Ms));
        string[] lines = plan.Explain().Split(Environment.NewLine);
        Assert.Equal("stage  name    tensor  fate               MiB         ms", lines[0]);
        Assert.Equal("    2  block2  saved   recomputed        1.00      2.000", lines[5]);
        Assert.Equal("peak 7.00 MiB on the device, 0.00 MiB on the host", lines[10]);
        Assert.Equal("time 21.000 ms: 18.000 plain, 3.000 for 2 recomputed stages and conversions, 0.000 waiting for copies", lines[11]);
    }

    [Fact]
    public void RepeatedRunsAreChargedToTheOutput()
    {
        var plan = new CheckpointPlan(Four, BinomialPlanner.Plan(Four, slots: 1));
        Assert.Equal(BinomialPlanner.Advances(4, 1), plan.RecomputedStages);
        Assert.Equal(plan.Ms - Four.PlainMs, plan.Tensors.Sum(t => t.Ms));
        Assert.Equal(2, plan.Tensors.Single(t => t.Tensor == ScheduleTensor.Output(1)).Ms);
    }

    [Fact]
    public void CacheMakesAPlanOnce()
    {
        var cache = new PlanCache<CheckpointPlan>(capacity: 2);
        int made = 0;
        CheckpointPlan Get(ulong shapes, PlannerOptions options) => cache.GetOrAdd(new PlanKey(1, shapes, 9 * Mega, options), () =>
        {
            made++;
            return CheckpointPlan.WithinBudget(Four, 9 * Mega, options);
        });
        var first = Get(1, new PlannerOptions());
        Assert.Same(first, Get(1, new PlannerOptions()));
        Assert.NotSame(first, Get(1, new PlannerOptions { Slots = 9 }));
        Assert.Same(first, Get(1, new PlannerOptions()));
        Get(2, new PlannerOptions());
        Assert.Equal(3, made);
        Assert.Same(first, Get(1, new PlannerOptions()));
        Get(1, new PlannerOptions { Slots = 9 });
        Assert.Equal(4, made);
    }
}
