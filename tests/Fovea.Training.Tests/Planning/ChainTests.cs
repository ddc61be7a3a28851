using Fovea.Training.Planning;

namespace Fovea.Training.Tests.Planning;

public sealed class ChainTests
{
    [Fact]
    public void StagesAreCountedFromOne()
    {
        var chain = new Chain(7, [new ChainStage(1, 2, 3, 4), new ChainStage(5, 6, 8, 9)]);
        Assert.Equal([7, 3, 8], Enumerable.Range(0, 3).Select(chain.OutputBytes));
        Assert.Equal(14, chain.PlainMs);
    }

    [Theory]
    [InlineData(-1, 0, 0, 0, "times are")]
    [InlineData(double.NaN, 0, 0, 0, "times are")]
    [InlineData(1, 4, 3, 0, "saves 3 bytes, less than its output of 4")]
    [InlineData(1, 1, 1, -1, "a size is negative")]
    public void BadStagesAreNamed(double ms, long output, long saved, long transient, string message)
    {
        var good = new ChainStage(1, 1, 1, 1);
        var error = Assert.Throws<ArgumentException>(() => new Chain(0, [good, new ChainStage(ms, 1, output, saved, transient)]));
        Assert.StartsWith("stage 2: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NarrowHalvesOnlyTheInternals()
    {
        var narrow = new ChainStage(1, 2, 10, 41, 3, 4).WithNarrow(castBytesPerMs: 31).Narrow!;
        Assert.Equal(new ChainStage(2, 3, 10, 26, 34, 35), narrow);
    }
}
