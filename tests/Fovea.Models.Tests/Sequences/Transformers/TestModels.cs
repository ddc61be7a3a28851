using Fovea.Models.Sequences.Transformers;
using Fovea.Training;

namespace Fovea.Models.Tests.Sequences.Transformers;

/// <summary>Small models of every variant, with parameters that are not at their starting values.</summary>
internal static class TestModels
{
    /// <summary>f32 sums of at most 48 terms of order 1, through some 10 blocks whose errors add up and which norms keep from growing:
    /// 10 * 48 * 2^-24 = 3e-5 in the worst case. The logits are of order 1.</summary>
    public const double Tolerance = 3e-5;

    public static TransformerOptions Options(string variant)
    {
        var plain = new TransformerOptions { Vocabulary = 29, Width = 24, Heads = 4, FeedForwardWidth = 40, DecoderLayers = 2, MaxLength = 33 };
        return variant switch
        {
            "paper" => plain with { NormEpsilon = 1e-6f },
            "concatenated" => plain with { Positions = PositionKind.SinusoidalConcatenated, FeedForward = FeedForwardKind.Gelu },
            "gpt2" => plain with { Positions = PositionKind.Learned, NormFirst = true, FeedForward = FeedForwardKind.Gelu, ScalesEmbedding = false },
            "llama" => plain with
            {
                Width = 48,
                KeyValueHeads = 2,
                Positions = PositionKind.Rotary,
                NormFirst = true,
                RmsNorm = true,
                HasBias = false,
                FeedForward = FeedForwardKind.SwiGlu,
                ScalesEmbedding = false,
            },
            "multi-query" => plain with { KeyValueHeads = 1, Positions = PositionKind.None, RmsNorm = true },
            _ => throw new ArgumentOutOfRangeException(nameof(variant)),
        };
    }

    public static TheoryData<string> Variants => ["paper", "concatenated", "gpt2", "llama", "multi-query"];

    /// <summary>Moves biases, scales and shifts away from 0 and 1, so that none can be forgotten unnoticed.</summary>
    public static T Shaken<T>(DeviceStream stream, T model) where T : Module
    {
        var random = new Random(5);
        foreach (var parameter in model.Parameters.Where(p => p.Spec.Rank == 1))
        {
            var values = parameter.Value.ToArray<float>(stream);
            foreach (ref var value in values.AsSpan()) value += random.NextSingle() * 0.4f - 0.2f;
            parameter.Value.CopyFrom<float>(stream, values);
        }
        model.Train(false);
        return model;
    }

    public static int[] Tokens(int seed, int count, int vocabulary = 29)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>Logits [B][L][V] of one forward pass on the tape.</summary>
    public static float[] Logits(DeviceStream stream, CausalTransformer model, int[] tokens, int batch = 1)
    {
        var tape = new Tape();
        using var input = DeviceTensor.From<int>(stream, tokens, batch, tokens.Length / batch);
        return Read(stream, model.Forward(tape.Input(input)));
    }

    /// <summary>Logits [B][T][V] of one forward pass on the tape.</summary>
    public static float[] Logits(DeviceStream stream, Transformer model, int[] source, int[] lengths, int[] target)
    {
        var tape = new Tape();
        var batch = lengths.Length;
        using var from = DeviceTensor.From<int>(stream, source, batch, source.Length / batch);
        using var to = DeviceTensor.From<int>(stream, target, batch, target.Length / batch);
        using var counts = DeviceTensor.From<int>(stream, lengths, batch);
        return Read(stream, model.Forward(tape.Input(from), tape.Input(to), tape.Input(counts)));
    }

    /// <summary>Runs a tape forward and reads a result.</summary>
    public static float[] Read(DeviceStream stream, Value value)
    {
        using var program = TapeProgram.Inference(stream, value);
        program.Run();
        return program.Read(value).ToArray<float>(stream);
    }

    public static void Close(IEnumerable<double> expected, ReadOnlySpan<float> actual, double tolerance = Tolerance)
    {
        var i = 0;
        foreach (var value in expected)
        {
            Assert.True(Math.Abs(value - actual[i]) <= tolerance, $"element {i}: {value} expected, {actual[i]} found");
            i++;
        }
        Assert.Equal(i, actual.Length);
    }
}
