using Fovea.Models.Sequences;
using Fovea.Models.Sequences.Mamba;

namespace Fovea.Bench.Workloads;

/// <summary>One token through a stack of Mamba mixers.</summary>
public sealed class MambaWorkload(int width, int layers) : StreamingWorkload("decode", $"Mamba C{width} L{layers}")
{
    public int Layers => layers;

    public MambaOptions Options { get; } = new(width);

    protected override long WeightCount => StackCount(width, layers, Options.ParameterCount);

    protected override long StateCount => (long)layers * Options.Inner * (Options.ConvolutionSize - 1 + Options.StateSize);

    public override LanguageModel CreateModel(DeviceStream stream) =>
        Stack(stream, width, layers, (name, random) => new MambaMixer(stream, name, Options, random, layers));
}
