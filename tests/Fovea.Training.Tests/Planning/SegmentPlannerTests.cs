using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class SegmentPlannerTests
{
    // Outputs are all that is saved: f = b = a = ā = 1.
    private static Chain Outputs(int length) => Chain.Uniform(length, new ChainStage(1, 1, 1, 1));

    /// <summary>k inputs and one segment of n/k outputs, 2 sqrt(n) at best; the gradient in flight is one output
    /// more.</summary>
    [Theory]
    [InlineData(16, 4, 8)]
    [InlineData(64, 8, 16)]
    [InlineData(100, 10, 20)]
    [InlineData(1000, 28, 63)]
    [InlineData(1000, 32, 63)]
    public void PeakIsTheSquareRootLaw(int length, int segments, long outputs)
    {
        var chain = Outputs(length);
        var simulation = ScheduleSimulator.Run(chain, SegmentPlanner.Uniform(chain, segments));
        Assert.Equal(outputs + 1, simulation.PeakBytes);
        Assert.True(simulation.ForwardRuns.Sum() <= 2 * length);
        Assert.Equal(simulation.ForwardRuns.Sum() + length, simulation.Ms);
    }

    [Fact]
    public void SquareRootIsTheDefault() => Assert.Equal(SegmentPlanner.Uniform(Outputs(100), 10), SegmentPlanner.Uniform(Outputs(100)));

    [Fact]
    public void OneSegmentIsThePlainStep()
    {
        var chain = RandomChains.Next(new Random(3), 9);
        var simulation = ScheduleSimulator.Run(chain, SegmentPlanner.KeepAll(chain));
        Assert.Equal(chain.PlainMs, simulation.Ms);
        Assert.All(simulation.ForwardRuns.Skip(1), runs => Assert.Equal(1, runs));
    }

    [Fact]
    public void CutsByBytesBeatEqualCountsWhereSizesDiffer()
    {
        // A pyramid: a quarter of the bytes at every fourth stage.
        var chain = new Chain(1 << 20, Enumerable.Range(0, 16).Select(l => new ChainStage(1, 2, 1 << (20 - 2 * (l / 4)), 3 << (20 - 2 * (l / 4)))));
        var uniform = ScheduleSimulator.Run(chain, SegmentPlanner.Uniform(chain));
        var byBytes = ScheduleSimulator.Run(chain, SegmentPlanner.ByBytes(chain));
        Assert.True(byBytes.PeakBytes < uniform.PeakBytes * 0.75, $"{byBytes.PeakBytes} and {uniform.PeakBytes} bytes");
        Assert.True(byBytes.ForwardRuns.Sum() <= 32);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 1)]
    [InlineData(64, 1)]
    [InlineData(1000, 1)]
    [InlineData(1000, 3)]
    public void RecursionNeedsTheLogarithm(int length, int cuts)
    {
        var chain = Outputs(length);
        var simulation = ScheduleSimulator.Run(chain, RecursivePlanner.Plan(chain, cuts));
        int levels = (int)Math.Ceiling(Math.Log(length, cuts + 1) - 1e-9);
        // The input, k checkpoints a level, one output being made and one gradient.
        Assert.InRange(simulation.PeakBytes, 1, cuts * levels + 3);
        Assert.InRange(simulation.ForwardRuns.Max(), 1, levels + 1);
    }
}
