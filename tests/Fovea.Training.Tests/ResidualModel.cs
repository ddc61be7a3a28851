using System.Runtime.InteropServices;

namespace Fovea.Training.Tests;

/// <summary>Residual blocks. Dropout shows that what is computed again draws the same numbers.</summary>
internal sealed class ResidualModel : IDisposable
{
    private const int Rows = 64, Width = 32;

    private readonly DeviceStream _stream;
    private readonly List<Parameter> _parameters = [];
    private readonly DeviceTensor _data;

    /// <param name="stream">Where it lives.</param>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="isChain">Whether a block reads the block before it alone. If not, skips cross two blocks: no single result is all that
    /// later operations read, and the tape falls into no stages.</param>
    public ResidualModel(DeviceStream stream, int layers, bool isChain = false)
    {
        _stream = stream;
        _data = Tensors.Random(stream, 1000, Rows, Width);
        Value x = Tape.Input(_data), before = x;
        for (var i = 0; i < layers; i++)
        {
            var inner = x.LayerNorm(new LayerNormOptions()).Linear(Weight(i)).Activate(Activation.Gelu).Dropout(0.1f);
            (x, before) = (isChain ? inner.Add(x) : inner.Add(x).Add(before), x);
        }
        Loss = x.Multiply(x).Mean();
    }

    public Tape Tape { get; } = new();

    public Value Loss { get; }

    /// <summary>The bits of all gradients of one run, and the bytes that it needed.</summary>
    public (byte[][] Gradients, long Peak) Run(TapeProgram program)
    {
        foreach (var parameter in _parameters) parameter.ClearGradient();
        var before = _stream.Pool.Statistics.InUseBytes;
        _stream.Pool.ResetPeak();
        program.Run();
        _stream.Synchronize();
        var peak = _stream.Pool.Statistics.PeakInUseBytes - before;
        return ([.. _parameters.Select(p => MemoryMarshal.AsBytes(p.Gradient.ToArray<float>(_stream).AsSpan()).ToArray())], peak);
    }

    public void Dispose()
    {
        foreach (var parameter in _parameters) parameter.Dispose();
        _data.Dispose();
    }

    private Value Weight(int seed)
    {
        _parameters.Add(new Parameter($"w{seed}", Tensors.Random(_stream, seed, Width, Width)));
        return Tape.Use(_parameters[^1]);
    }
}
