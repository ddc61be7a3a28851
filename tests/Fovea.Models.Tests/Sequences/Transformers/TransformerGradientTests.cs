using Fovea.Models.Sequences.Transformers;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences.Transformers;

/// <summary>The gradient of a whole model against differences of its loss.</summary>
public sealed class TransformerGradientTests
{
    public static TheoryData<string> Variants => TestModels.Variants;

    /// <summary>Along a direction d of length about 1, D(h) = (loss(p + h d) - loss(p - h d)) / 2h is the derivative plus a term in h^2, which
    /// (4 D(h/2) - D(h)) / 3 is free of. The loss is about 4 and good to 1e-6, so with h = 1e-2 that is good to 3e-4, and terms in h^4 are
    /// smaller than the derivative by 1e-4.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void GradientsEqualDifferences(string variant)
    {
        const float h = 1e-2f;
        using var stream = Device.Cpu.CreateStream();
        var options = TestModels.Options(variant) with { EncoderLayers = 1, DecoderLayers = 1 };
        // Differences across the kink of ReLU are no derivatives.
        if (options.FeedForward == FeedForwardKind.Relu) options = options with { FeedForward = FeedForwardKind.Gelu };
        using var model = TestModels.Shaken(stream, new Transformer(stream, options));
        using var source = DeviceTensor.From<int>(stream, TestModels.Tokens(1, 10), 2, 5);
        using var target = DeviceTensor.From<int>(stream, TestModels.Tokens(2, 8), 2, 4);
        using var wanted = DeviceTensor.From<int>(stream, TestModels.Tokens(3, 8), 8);
        using var lengths = DeviceTensor.From<int>(stream, [5, 3], 2);
        var tape = new Tape();
        var logits = model.Forward(tape.Input(source), tape.Input(target), tape.Input(lengths));
        using var program = tape.Compile(stream, logits.Reshape(-1, options.Vocabulary).CrossEntropy(tape.Input(wanted)));
        program.Run();
        var parameters = model.Parameters.ToArray();
        var values = parameters.Select(p => p.Value.ToArray<float>(stream)).ToArray();
        var gradients = parameters.Select(p => p.Gradient.ToArray<float>(stream)).ToArray();
        Assert.All(parameters.Zip(gradients).Where(p => p.First.Spec.Rank == 2), p => Assert.Contains(p.Second, v => v != 0));

        // Half along the gradient, so that the derivative is not small, half at random, so that no parameter is left out.
        var random = new Random(11);
        var length = Math.Sqrt(gradients.Sum(g => g.Sum(v => (double)v * v)));
        var spread = 1 / Math.Sqrt(parameters.Sum(p => p.Spec.ElementCount));
        var direction = gradients.Select(g => g.Select(v => (float)(v / length + (random.Next(2) * 2 - 1) * spread)).ToArray()).ToArray();
        var expected = gradients.Zip(direction, (g, d) => g.Zip(d, (a, b) => (double)a * b).Sum()).Sum();
        Assert.Equal(expected, (4 * Difference(h / 2) - Difference(h)) / 3, 5e-4 + 5e-4 * expected);

        double Difference(float step) => (LossAt(step) - LossAt(-step)) / (2.0 * step);

        double LossAt(float step)
        {
            for (var i = 0; i < parameters.Length; i++)
                parameters[i].Value.CopyFrom<float>(stream, [.. values[i].Zip(direction[i], (v, d) => v + step * d)]);
            program.Run();
            return program.ReadLoss();
        }
    }
}
