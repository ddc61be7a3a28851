using Fovea.Training;

namespace Fovea.Cli.Experiments.Checkpointing;

/// <summary>Pre-norm residual blocks over x [rows][width]: x + W2 gelu(W1 norm(x)), W1 twice as wide; the loss is the mean squared
/// distance to a target. Weights and data depend on nothing but their place.</summary>
internal sealed class BlockNetwork : IDisposable
{
    private readonly DeviceStream _stream;
    private readonly List<Parameter> _parameters = [];
    private readonly List<DeviceTensor> _data = [];

    public BlockNetwork(DeviceStream stream, int layers, long rows, long width)
    {
        _stream = stream;
        var x = Input(rows, width);
        for (int i = 0; i < layers; i++)
        {
            using (Tape.Named($"block{i}"))
            {
                var inner = x.LayerNorm(new LayerNormOptions()).Linear(Weight($"{i}.up", 2 * width, width)).Activate(Activation.Gelu);
                x = x.Add(inner.Linear(Weight($"{i}.down", width, 2 * width)));
            }
        }
        var distance = x.Subtract(Input(rows, width));
        Loss = distance.Multiply(distance).Mean();
    }

    public Tape Tape { get; } = new();

    public Value Loss { get; }

    public IReadOnlyList<Parameter> Parameters => _parameters;

    public void Dispose()
    {
        foreach (var parameter in _parameters) parameter.Dispose();
        foreach (var tensor in _data) tensor.Dispose();
    }

    private Value Weight(string name, long rows, long columns)
    {
        var parameter = new Parameter(name, Random(1 / MathF.Sqrt(columns), rows, columns));
        _parameters.Add(parameter);
        return Tape.Use(parameter);
    }

    private Value Input(long rows, long columns)
    {
        _data.Add(Random(1, rows, columns));
        return Tape.Input(_data[^1]);
    }

    // Evenly between -scale and scale.
    private DeviceTensor Random(float scale, long rows, long columns)
    {
        var random = new Random(_parameters.Count + 1000 * _data.Count);
        var values = new float[rows * columns];
        foreach (ref var value in values.AsSpan()) value = scale * (2 * random.NextSingle() - 1);
        return DeviceTensor.From<float>(_stream, values, rows, columns);
    }
}
