using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Mamba;

namespace Fovea.Bench.Workloads;

/// <summary>One token through a stack of Mamba-2 mixers.</summary>
public sealed class Mamba2Workload(int width, int layers) : StreamingWorkload("decode", $"Mamba-2 C{width} L{layers}")
{
    private readonly Mamba2Options _options = new(width);

    protected override long WeightCount => StackCount(width, layers, _options.ParameterCount);

    protected override long StateCount => layers
        * ((_options.ConvolutionSize - 1L) * (_options.Inner + 2 * _options.Groups * _options.StateSize) + (long)_options.Inner * _options.StateSize);

    public override LanguageModel CreateModel(DeviceStream stream) =>
        Stack(stream, width, layers, (name, random) => new Mamba2Mixer(stream, name, _options, random, layers));
}
