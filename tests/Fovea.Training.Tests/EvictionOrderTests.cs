using Fovea.Training.Planning;

namespace Fovea.Training.Tests;

public sealed class EvictionOrderTests
{
    [Theory]
    [InlineData(0.9, null)]
    [InlineData(0.6, null)]
    [InlineData(0.4, null)]
    [InlineData(0.6, EvictionScore.Neighbourhood)]
    [InlineData(0.4, EvictionScore.Neighbourhood)]
    [InlineData(0.4, EvictionScore.LeastRecentlyUsed)]
    public void KeepsTheBudgetAndTheBits(double share, EvictionScore? score)
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new ResidualModel(stream, layers: 10);
        using var plain = model.Tape.Compile(stream, model.Loss);
        var (gradients, plainPeak) = model.Run(plain);
        var profile = plain.Profile();
        var budget = (long)(share * plainPeak);

        using var program = model.Tape.Compile(stream, model.Loss, TapeOrder.Eviction(plain, profile, budget, score));
        var (again, peak) = model.Run(program);

        Assert.Equal(gradients, again);
        Assert.True(program.RecomputedSteps > 0);
        Assert.InRange(peak, 1, budget);
        Assert.Equal(program.Forecast(profile).PeakBytes, peak);
    }

    // The chain is one stage, so that only eviction can save anything; the plain step needs no plan at all.
    [Fact]
    public void TheOrderWithinABudgetComesFromWhoeverFindsOne()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new ResidualModel(stream, layers: 10);
        using var plain = model.Tape.Compile(stream, model.Loss);
        var (gradients, plainPeak) = model.Run(plain);
        Assert.Equal(plainPeak, TapeOrder.WithinBudget(stream, model.Tape, model.Loss, plainPeak).Forecast.PeakBytes);

        var (order, forecast) = TapeOrder.WithinBudget(stream, model.Tape, model.Loss, plainPeak * 6 / 10);
        using var program = model.Tape.Compile(stream, model.Loss, order);
        var (again, peak) = model.Run(program);
        Assert.Equal(gradients, again);
        Assert.Equal(forecast.PeakBytes, peak);
        Assert.InRange(peak, 1, plainPeak * 6 / 10);
        var refused = Assert.Throws<ArgumentException>(() => TapeOrder.WithinBudget(stream, model.Tape, model.Loss, 100));
        Assert.Contains("100 bytes", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsComputedAgainWhereAllFits()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new ResidualModel(stream, layers: 4);
        using var plain = model.Tape.Compile(stream, model.Loss);
        var profile = plain.Profile();
        var order = TapeOrder.Eviction(plain, profile, plain.Forecast(profile).PeakBytes);
        using var program = model.Tape.Compile(stream, model.Loss, order);
        Assert.Equal(0, program.RecomputedSteps);
    }

    [Fact]
    public void ResultsThatAreReadAfterTheRunStay()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new DeepModel(stream, layers: 6);
        var first = new Value(model.Tape, model.Tape.Ops[1].Outputs[0]); // widest result of the first block
        using var plain = model.Tape.Compile(stream, model.Loss, TapeOrder.KeepAll(model.Tape), first);
        var profile = plain.Profile();
        plain.Run();
        var expected = plain.Read(first).ToArray<float>(stream);
        var budget = plain.Forecast(profile).PeakBytes / 2;
        using var program = model.Tape.Compile(stream, model.Loss, TapeOrder.Eviction(plain, profile, budget), first);
        program.Run();
        Assert.Equal(expected, program.Read(first).ToArray<float>(stream));
        Assert.InRange(program.Forecast(profile).PeakBytes, 1, budget);
    }

    [Fact]
    public void ABudgetBelowTheOperandsOfOneOperationIsRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        using var model = new ResidualModel(stream, layers: 2);
        using var plain = model.Tape.Compile(stream, model.Loss);
        var profile = plain.Profile();
        Assert.Throws<ArgumentException>(() => TapeOrder.Eviction(plain, profile, 8192));
        Assert.Throws<ArgumentException>(() => TapeOrder.Eviction(plain, profile, 8192, EvictionScore.Neighbourhood));
    }
}
