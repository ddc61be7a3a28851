using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Rwkv;

namespace Fovea.Bench.Workloads;

/// <summary>One token through an RWKV-4 model.</summary>
public sealed class RwkvWorkload(int width, int layers) : StreamingWorkload("rwkv", $"RWKV-4 C{width} L{layers}, one token")
{
    private readonly RwkvOptions _options = new() { Version = RwkvVersion.V4, Vocabulary = Vocabulary, Width = width, Layers = layers };

    protected override long WeightCount => _options.ParameterCount - (long)Vocabulary * width;

    // Two token shifts and the numerator, denominator and exponent of the time mix.
    protected override long StateCount => 5L * width * layers;

    public override LanguageModel CreateModel(DeviceStream stream)
    {
        var random = new Random(1);
        return new LanguageModel(stream, Vocabulary, width, new LayerNormOptions(), tied: false, random,
            [.. Enumerable.Range(0, layers).Select(i => new Rwkv4Block(stream, $"blocks.{i}", _options, i, random))]);
    }
}
