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
}
