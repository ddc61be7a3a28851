using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class KeyPointLossTests
{
    [Fact]
    public void HeatMapLossIsThePublishedOne()
    {
        float[] logits = [.. new[] { 0.9, 0.6, 0.3, 0.1 }.Select(p => (float)Math.Log(p / (1 - p)))];
        Assert.Equal(0.0046412903, Heat(logits, [1, 0.8f, 0.5f, 0]).Loss, 7);
        // Without a peak the sum of the ground alone, undivided: .0046412903 - (-.01 ln .9).
        Assert.Equal(0.0046412903 - 0.01 * -Math.Log(0.9), Heat(logits[1..], [0.8f, 0.5f, 0]).Loss, 7);
    }

    // A peak that the network is sure to be none costs (1 - 1e-4)^2 * -ln 1e-4 and has no gradient; NaN stays.
    [Fact]
    public void ProbabilitiesAreHeldApartFromZeroAndOne()
    {
        var (loss, gradient) = Heat([-20, 20], [1, 0]);
        var expected = 2 * Math.Pow(1 - 1e-4, 2) * -Math.Log(1e-4);
        Assert.Equal(expected, loss, 1e-5 * expected);
        Assert.Equal([0f, 0f], gradient);
        Assert.True(float.IsNaN(Heat([float.NaN, 0], [1, 0]).Loss));
    }

    // Two key points with differences 1, -2 and 0.5, 0, and an empty place: L1 3.5, smooth L1 .5 + 1.5 + .125.
    [Theory]
    [InlineData(0, RegressionDivisor.Numbers, 3.5 / 4.0001)]
    [InlineData(0, RegressionDivisor.Objects, 3.5 / 2.0001)]
    [InlineData(1, RegressionDivisor.Objects, 2.125 / 2.0001)]
    public void RegressionsAreDividedAsEachCodeDoes(float beta, RegressionDivisor divisor, double expected)
    {
        using var stream = Device.Cpu.CreateStream();
        using var map = DeviceTensor.From(stream, [9f, 9, 1, 1, 4, 4, 2, 3], 1, 2, 2, 2);
        using var cells = DeviceTensor.From(stream, [1, 3, -1], 3);
        using var target = DeviceTensor.From(stream, [0f, 3, 1.5f, 3, 0, 0], 3, 2);
        using var objects = DeviceTensor.From(stream, [2f]);
        var tape = new Tape();
        var x = tape.Input(map, requiresGradient: true);
        var loss = KeyPointLosses.Regression(x, tape.Input(cells), tape.Input(target), tape.Input(objects), beta, divisor);
        using var program = tape.Compile(stream, loss);
        program.Run();
        Assert.Equal(expected, program.ReadLoss(), 6);
        var gradient = program.Gradient(x).ToArray<float>(stream);
        Assert.Equal([0f, 0, 0, 0], [gradient[0], gradient[1], gradient[4], gradient[5]]);
    }

    private static (float Loss, float[] Gradient) Heat(float[] logits, float[] target)
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.From<float>(stream, logits, logits.Length);
        using var y = DeviceTensor.From<float>(stream, target, target.Length);
        using var peaks = DeviceTensor.From(stream, [(float)Math.Max(1, target.Count(t => t == 1))]);
        var tape = new Tape();
        var input = tape.Input(x, requiresGradient: true);
        using var program = tape.Compile(stream, KeyPointLosses.HeatMap(input, tape.Input(y), tape.Input(peaks)));
        program.Run();
        return (program.ReadLoss(), program.Gradient(input).ToArray<float>(stream));
    }
}
