namespace Fovea.Training.Tests.Gradients;

public sealed class GradientTests
{
    public static TheoryData<string> Names() => [.. GradientCases.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void EqualFiniteDifferences(string name)
    {
        var test = GradientCases.All.Single(c => c.Name == name);
        using var stream = Device.Cpu.CreateStream();
        using var check = new GradientCheck(stream, test);
        var gradients = check.Gradients();
        var tolerance = check.Tolerance();
        for (var input = 0; input < gradients.Length; input++)
        {
            for (var i = 0; i < gradients[input].Length; i++)
            {
                var expected = check.Difference(input, i);
                Assert.True(Math.Abs(gradients[input][i] - expected) <= tolerance + 1e-3 * Math.Abs(expected),
                    $"input {input}, element {i}: gradient {gradients[input][i]}, difference quotient {expected}, tolerance {tolerance:G3}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void HaveTheSameBitsFromRunToRunAndWhenRecomputed(string name)
    {
        var test = GradientCases.All.Single(c => c.Name == name);
        using var stream = Device.Cpu.CreateStream();
        using var plain = new GradientCheck(stream, test);
        using var twice = new GradientCheck(stream, test, recompute: true);
        var expected = plain.Gradients();
        Assert.Equal(expected, plain.Gradients());
        Assert.Equal(expected, twice.Gradients());
        Assert.Equal(0, stream.Pool.Statistics.LeakedLeases);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AgreeOnEmulatedCuda(string name)
    {
        var test = GradientCases.All.Single(c => c.Name == name);
        using var stream = Emulated.StreamOrSkip();
        using var cpuStream = Device.Cpu.CreateStream();
        using var cpu = new GradientCheck(cpuStream, test);
        using var cuda = new GradientCheck(stream, test);
        var expected = cpu.Gradients();
        var actual = cuda.Gradients();
        // Two orders of at most a few hundred f32 additions of numbers around 1.
        for (var input = 0; input < expected.Length; input++)
            for (var i = 0; i < expected[input].Length; i++)
                Assert.True(Math.Abs(expected[input][i] - actual[input][i]) <= 1e-5 * (1 + Math.Abs(expected[input][i])),
                    $"input {input}, element {i}: cpu {expected[input][i]}, emulated {actual[input][i]}");
    }
}
