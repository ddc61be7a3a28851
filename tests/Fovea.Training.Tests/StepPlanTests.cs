using System.Runtime.InteropServices;
using Fovea.Training.Planning;

namespace Fovea.Training.Tests;

public sealed class StepPlanTests
{
    [Theory]
    [InlineData(0.9)]
    [InlineData(0.6)]
    [InlineData(0.4)]
    public void TheMeasuredPeakIsThePredictedOneAndInsideTheBudget(double share)
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new DeepModel(stream, layers: 12);
        var plain = model.Run(model.Tape.Compile(stream, model.Loss), out var plainPeak);

        var inUse = stream.Pool.Statistics.InUseBytes;
        var budget = inUse + (long)(share * plainPeak);
        var plan = StepPlan.WithinBudget(stream, model.Tape, model.Loss, budget);
        var planned = model.Run(model.Tape.Compile(stream, model.Loss, plan.Order), out var peak);

        Assert.Equal(plain, planned);
        Assert.Equal(plan.Forecast.PeakBytes, peak);
        Assert.True(peak <= plan.AvailableBytes, $"{peak} B used, {plan.AvailableBytes} B were left");
        Assert.Contains("recomputed", plan.Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public void ResultsMayWaitOnTheHost()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new DeepModel(stream, layers: 12);
        var plain = model.Run(model.Tape.Compile(stream, model.Loss), out var plainPeak);
        // A link so fast that every plan prefers it to computing again.
        var options = new PlannerOptions { Link = new HostLink(1e12, 1e12) };
        var plan = StepPlan.WithinBudget(stream, model.Tape, model.Loss, stream.Pool.Statistics.InUseBytes + plainPeak / 2, options);

        Assert.Contains(plan.Order, s => s.Kind == TapeStepKind.Offload);
        Assert.Equal(plain, model.Run(model.Tape.Compile(stream, model.Loss, plan.Order), out var peak));
        Assert.Equal(plan.Forecast.PeakBytes, peak);
    }

    [Fact]
    public void OffloadedResultsComeBackOnEmulatedCuda()
    {
        using var stream = Emulated.StreamOrSkip();
        using var model = new DeepModel(stream, layers: 6);
        var plain = model.Run(model.Tape.Compile(stream, model.Loss), out var plainPeak);
        var options = new PlannerOptions { Link = new HostLink(1e12, 1e12) };
        var plan = StepPlan.WithinBudget(stream, model.Tape, model.Loss, stream.Pool.Statistics.InUseBytes + plainPeak * 6 / 10, options);

        Assert.Contains(plan.Order, s => s.Kind == TapeStepKind.Offload);
        Assert.Equal(plain, model.Run(model.Tape.Compile(stream, model.Loss, plan.Order), out _));
    }

    [Fact]
    public void ABudgetThatNothingFitsIsRefusedWithOneThatWouldDo()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new DeepModel(stream, layers: 8);
        model.Run(model.Tape.Compile(stream, model.Loss), out _); // makes the gradients, which count as in use
        var refused = Assert.Throws<ArgumentException>(
            () => StepPlan.WithinBudget(stream, model.Tape, model.Loss, stream.Pool.Statistics.InUseBytes + 100_000));
        Assert.Contains("there is one for", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NarrowResultsLowerThePeakAndRoundTheGradients()
    {
        const int layers = 12;
        using var stream = Device.Cpu.CreateStream();
        using var model = new ResidualModel(stream, layers, isChain: true);
        using var plain = model.Tape.Compile(stream, model.Loss);
        var (exact, plainPeak) = model.Run(plain);
        var profile = plain.Profile();
        var chain = TapeChain.Of(plain, profile);
        // Computing again costs a second and converting a millisecond, so that every plan prefers to convert.
        var stages = Enumerable.Range(1, chain.Chain.Length).Select(l => chain.Chain[l]);
        var dear = new Chain(0, stages.Select(s => s with { ForwardMs = 1000, Narrow = s.Narrow is { } n ? n with { ForwardMs = 1001 } : null }));
        var budget = plainPeak * 85 / 100;
        var order = chain.Order(CheckpointPlan.WithinBudget(dear, budget, new PlannerOptions { AllowNarrow = true }).Ops);
        Assert.Contains(order, s => s.Kind == TapeStepKind.Narrow);

        using var program = model.Tape.Compile(stream, model.Loss, order);
        var (rounded, peak) = model.Run(program);
        Assert.Equal(0, program.RecomputedSteps);
        Assert.Equal(program.Forecast(profile).PeakBytes, peak);
        Assert.InRange(peak, 1, budget);
        Assert.NotEqual(exact, rounded);
        // bf16 keeps 8 bits, so backward reads two results a block that are off by at most 2^-9 of themselves, and all errors together
        // stay below 2 * 2^-9 of the norm for each block that a gradient has come through.
        foreach (var (a, b) in exact.Zip(rounded))
        {
            var x = MemoryMarshal.Cast<byte, float>(a);
            var y = MemoryMarshal.Cast<byte, float>(b);
            double error = 0, norm = 0;
            for (var i = 0; i < x.Length; i++) (error, norm) = (error + Math.Pow(x[i] - y[i], 2), norm + Math.Pow(x[i], 2));
            Assert.InRange(Math.Sqrt(error), 0, layers * Math.Pow(2, -8) * Math.Sqrt(norm));
        }
    }

    [Fact]
    public void APlanIsMadeOncePerTapeAndBudget()
    {
        using var stream = Device.Cpu.CreateStream();
        var cache = new PlanCache<StepPlan>();
        using var model = new DeepModel(stream, layers: 6);
        using var same = new DeepModel(stream, layers: 6);
        using var deeper = new DeepModel(stream, layers: 7);
        StepPlan Plan(DeepModel of, long available)
        {
            using var program = of.Tape.Compile(stream, of.Loss); // reserves gradients, so that budgets can be compared
            return StepPlan.WithinBudget(stream, of.Tape, of.Loss, stream.Pool.Statistics.InUseBytes + available, cache: cache);
        }
        foreach (var any in (DeepModel[])[model, same, deeper]) any.Run(any.Tape.Compile(stream, any.Loss), out _);

        var plan = Plan(model, 400_000);
        Assert.Same(plan, Plan(model, 400_000));
        Assert.Same(plan, Plan(same, 400_000));
        Assert.NotSame(plan, Plan(model, 500_000));
        Assert.NotSame(plan, Plan(deeper, 400_000));
    }

    [Fact]
    public void ThePlainStepIsThePlanWhereItFits()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new DeepModel(stream, layers: 6);
        using var plain = model.Tape.Compile(stream, model.Loss);
        var profile = plain.Profile();
        var budget = stream.Pool.Statistics.InUseBytes + plain.Forecast(profile).PeakBytes;
        var plan = StepPlan.WithinBudget(plain, TapeChain.Of(plain, profile), profile, budget);
        Assert.Equal(0, plan.Plan.RecomputedStages);
        Assert.Equal(plain.Forecast(profile).PeakBytes, plan.Forecast.PeakBytes);
    }
}
