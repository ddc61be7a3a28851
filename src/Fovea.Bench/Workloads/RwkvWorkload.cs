using Fovea.Bench.Measure;
using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Rwkv;

namespace Fovea.Bench.Workloads;

/// <summary>One token through an RWKV-4 model with a vocabulary of bytes: the time of a call is that of a token of text.</summary>
public sealed class RwkvWorkload(int width, int layers) : Workload("rwkv", $"RWKV-4 C{width} L{layers}, one token")
{
    private const int Vocabulary = 256;

    private readonly RwkvOptions _options = new() { Version = RwkvVersion.V4, Vocabulary = Vocabulary, Width = width, Layers = layers };

    // Every weight but those of the embedding takes part once; what is not a matrix product is less than a hundredth.
    public override double Flops => 2.0 * (_options.ParameterCount - (double)Vocabulary * width);

    public override double BytesRead => 4.0 * (_options.ParameterCount - (double)Vocabulary * width);

    public override double BytesWritten => 4.0 * Vocabulary;

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var random = new Random(1);
        using var model = new LanguageModel(stream, Vocabulary, width, new LayerNormOptions(), tied: false, random,
            [.. Enumerable.Range(0, layers).Select(i => new Rwkv4Block(stream, $"blocks.{i}", _options, i, random))]);
        var state = new SequenceState(stream, 1);
        var streaming = model.ToStreaming(state);
        var token = DeviceTensor.From<int>(stream, [65], 1, 1);
        var output = DeviceTensor.Allocate(stream, DType.Float32, 1, 1, Vocabulary);
        return FoveaContestant.Capture(stream, output, () =>
        {
            using var logits = streaming.Forward(stream, token);
            Kernels.Copy(stream, logits, output);
        }, token, streaming, state);
    }
}
