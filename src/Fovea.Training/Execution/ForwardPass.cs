namespace Fovea.Training;

/// <summary>What an operation sees while it runs forward.</summary>
public sealed class ForwardPass
{
    private readonly TapeProgram _program;
    private TapeOp _op = null!;

    internal ForwardPass(TapeProgram program) => _program = program;

    /// <summary>Where to enqueue.</summary>
    public DeviceStream Stream => _program.Stream;

    /// <summary>Whether these results were computed before in the same run. Buffers must not be written again.</summary>
    public bool IsAgain { get; private set; }

    /// <summary>i64 [2] on the device: seed and offset of this run's random numbers.</summary>
    public DeviceTensor RandomState => _program.RandomStateFor(IsAgain);

    /// <summary>Input <paramref name="index"/>, which is present.</summary>
    public DeviceTensor Input(int index) => _program.Tensor(_op.Inputs[index]);

    /// <summary>Input <paramref name="index"/>, or null where it is absent.</summary>
    public DeviceTensor? Optional(int index) =>
        index < _op.Inputs.Length && _op.Inputs[index] >= 0 ? _program.Tensor(_op.Inputs[index]) : null;

    /// <summary>Where result <paramref name="index"/> goes; its contents are undefined.</summary>
    public DeviceTensor Output(int index = 0) => _program.Tensor(_op.Outputs[index]);

    /// <summary>What <see cref="Operation.Pack"/> makes. The caller disposes it, which does nothing to what is kept for later
    /// runs.</summary>
    public DeviceTensor Packed() => _program.Packed(_op) ?? _op.Operation.Pack(this)
        ?? throw new InvalidOperationException($"{_op.Path} packs nothing");

    internal ForwardPass At(TapeOp op, bool again)
    {
        _op = op;
        IsAgain = again;
        return this;
    }
}
