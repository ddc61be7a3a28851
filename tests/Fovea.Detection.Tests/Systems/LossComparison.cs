using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>Compares a recorded loss over outputs of a network, in f32, with a computation in double precision: the parts, and the gradients
/// of the outputs with central differences of the double one.</summary>
internal static class LossComparison
{
    private const double Step = 1e-6; // differences of doubles: about 1e-10 of rounding, 1e-12 of curvature

    /// <param name="stream">Where it runs.</param>
    /// <param name="outputs">Values and shapes of what the network says.</param>
    /// <param name="record">The loss over them.</param>
    /// <param name="expected">The parts of the loss, weighted.</param>
    /// <param name="constants">What the computation holds constant where the recorded loss detaches: called once with the outputs; its
    /// result is passed to each call of <paramref name="expected"/>.</param>
    public static void Run<T>(DeviceStream stream, (float[] Values, long[] Shape)[] outputs, Func<Value[], DetectionLoss> record,
        Func<double[][], T> constants, Func<double[][], T, double[]> expected)
    {
        var tape = new Tape();
        var tensors = outputs.Select(o => DeviceTensor.From<float>(stream, o.Values, o.Shape)).ToArray();
        Value[] inputs = [.. tensors.Select(t => tape.Input(t, requiresGradient: true))];
        var loss = record(inputs);
        using var program = tape.Compile(stream, loss.Total, null, [.. loss.Parts.Select(p => p.Loss)]);
        program.Run();

        double[][] values = [.. outputs.Select(o => o.Values.Select(v => (double)v).ToArray())];
        var held = constants(values);
        var parts = expected(values, held);
        // Sums of a few hundred f32 terms of one sign, each of a few roundings.
        for (var i = 0; i < parts.Length; i++)
            Assert.Equal(parts[i], program.Read(loss.Parts[i].Loss).ToArray<float>(stream)[0], 1e-5 * (1 + Math.Abs(parts[i])));
        Assert.Equal(parts.Sum(), program.ReadLoss(), 1e-5 * (1 + Math.Abs(parts.Sum())));

        for (var i = 0; i < inputs.Length; i++)
        {
            var gradient = program.Gradient(inputs[i]).ToArray<float>(stream);
            for (var k = 0; k < gradient.Length; k++)
            {
                var x = values[i][k];
                values[i][k] = x + Step;
                var above = expected(values, held).Sum();
                values[i][k] = x - Step;
                var below = expected(values, held).Sum();
                values[i][k] = x;
                var quotient = (above - below) / (2 * Step);
                Assert.True(Math.Abs(quotient - gradient[k]) <= 1e-5 * (1 + Math.Abs(quotient)), $"output {i}, element {k}: gradient {gradient[k]}, difference quotient {quotient}");
            }
        }
        foreach (var tensor in tensors) tensor.Dispose();
    }
}
