namespace Fovea.Training.Tests;

/// <summary>Blocks of two products with a normalisation and an activation between, all of one width.</summary>
internal sealed class DeepModel : IDisposable
{
    private const int Rows = 128, Width = 32;

    private readonly DeviceStream _stream;
    private readonly List<Parameter> _parameters = [];
    private readonly List<DeviceTensor> _tensors = [];

    public DeepModel(DeviceStream stream, int layers)
    {
        _stream = stream;
        var x = Input(Tape, 1000, Rows, Width);
        for (var i = 0; i < layers; i++)
        {
            using (Tape.Named($"layer{i}"))
            {
                var wide = x.LayerNorm(new LayerNormOptions()).Linear(Weight(2 * i, 2 * Width, Width)).Activate(Activation.Gelu);
                x = wide.Linear(Weight(2 * i + 1, Width, 2 * Width));
            }
        }
        Loss = x.Reshape(1, Rows * Width).Linear(Input(Tape, 1001, 1, Rows * Width)).Reshape();
    }

    public Tape Tape { get; } = new();

    public Value Loss { get; }

    /// <summary>One run of a program, which is disposed; all gradients, and the bytes the run needed at its peak.</summary>
    public float[][] Run(TapeProgram program, out long peak)
    {
        using (program)
        {
            foreach (var parameter in _parameters) parameter.ClearGradient();
            var before = _stream.Pool.Statistics.InUseBytes;
            _stream.Pool.ResetPeak();
            program.Run();
            _stream.Synchronize();
            peak = _stream.Pool.Statistics.PeakInUseBytes - before;
        }
        return [.. _parameters.Select(p => p.Gradient.ToArray<float>(_stream))];
    }

    public void Dispose()
    {
        foreach (var parameter in _parameters) parameter.Dispose();
        foreach (var tensor in _tensors) tensor.Dispose();
    }

    private Value Weight(int seed, long rows, long columns)
    {
        var parameter = new Parameter($"w{seed}", Tensors.Random(_stream, seed, rows, columns));
        _parameters.Add(parameter);
        return Tape.Use(parameter);
    }

    private Value Input(Tape tape, int seed, params ReadOnlySpan<long> shape)
    {
        _tensors.Add(Tensors.Random(_stream, seed, shape));
        return tape.Input(_tensors[^1]);
    }
}
