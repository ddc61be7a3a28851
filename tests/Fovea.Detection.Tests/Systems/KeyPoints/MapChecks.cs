using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>Runs a loss over maps that stand where a network's results are, and compares value and all gradients with scalar arithmetic in
/// double.</summary>
internal static class MapChecks
{
    /// <param name="loss">Records the loss of maps.</param>
    /// <param name="expected">The same in double.</param>
    /// <param name="maps">The numbers of each map.</param>
    /// <param name="shapes">Of each map.</param>
    /// <param name="targets">Boxes [B][M][4] and classes [B][M].</param>
    public static void Agree(Func<Value[], DetectionTargets, DetectionLoss> loss, Func<double[][], double> expected, float[][] maps, long[][] shapes,
        (float[] Boxes, int[] Classes, int Places) targets)
    {
        using var stream = Device.Cpu.CreateStream();
        var tape = new Tape();
        var tensors = maps.Zip(shapes, (m, s) => DeviceTensor.From<float>(stream, m, s)).ToArray();
        var inputs = tensors.Select(t => tape.Input(t, requiresGradient: true)).ToArray();
        using var labels = new Labels(stream, targets.Boxes, targets.Classes, targets.Classes.Length / targets.Places);
        var recorded = loss(inputs, labels.On(tape));
        using var program = tape.Compile(stream, recorded.Total, null, [.. recorded.Parts.Select(p => p.Loss)]);
        program.Run();

        var numbers = maps.Select(m => m.Select(v => (double)v).ToArray()).ToArray();
        var value = expected(numbers);
        // A sum of a few hundred terms, each with a few roundings.
        Assert.Equal(value, program.ReadLoss(), 1e-5 * (1 + Math.Abs(value)));
        Assert.Equal(value, recorded.Parts.Sum(p => program.Read(p.Loss).ToArray<float>(stream)[0]), 1e-5 * (1 + Math.Abs(value)));
        const double h = 1e-6;
        for (var m = 0; m < maps.Length; m++)
        {
            var gradient = program.Gradient(inputs[m]).ToArray<float>(stream);
            for (var i = 0; i < gradient.Length; i++)
            {
                var x = numbers[m][i];
                numbers[m][i] = x + h;
                var above = expected(numbers);
                numbers[m][i] = x - h;
                var below = expected(numbers);
                numbers[m][i] = x;
                // The quotient cancels ten digits of sixteen.
                Assert.Equal((above - below) / (2 * h), gradient[i], 1e-5 * (1 + Math.Abs(gradient[i])));
            }
        }
        foreach (var tensor in tensors) tensor.Dispose();
    }

    /// <summary>log(1 + e^x).</summary>
    public static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    /// <summary>The penalty-reduced focal loss as its papers write it, divided by the number of peaks.</summary>
    public static double HeatLoss(ReadOnlySpan<double> logits, ReadOnlySpan<double> target)
    {
        var (sum, peaks) = (0.0, 0);
        for (var i = 0; i < logits.Length; i++)
        {
            var p = Math.Clamp(1 / (1 + Math.Exp(-logits[i])), 1e-4, 1 - 1e-4);
            if (target[i] == 1) (sum, peaks) = (sum - (1 - p) * (1 - p) * Math.Log(p), peaks + 1);
            else sum -= (1 - target[i]) * (1 - target[i]) * (1 - target[i]) * (1 - target[i]) * p * p * Math.Log(1 - p);
        }
        return peaks == 0 ? sum : sum / peaks;
    }
}
