namespace Fovea.Training;

/// <summary>What an operation sees while it runs backward.</summary>
public sealed class BackwardPass
{
    private readonly TapeProgram _program;
    private readonly List<(DeviceTensor Contribution, DeviceTensor Sum)> _pending = [];
    private TapeOp _op = null!;
    private uint _fresh;

    internal BackwardPass(TapeProgram program) => _program = program;

    /// <summary>Where to enqueue.</summary>
    public DeviceStream Stream => _program.Stream;

    /// <summary>i64 [2] on the device: seed and offset of this run's random numbers.</summary>
    public DeviceTensor RandomState => _program.RandomStateFor(again: false);

    /// <summary>Number of inputs, absent ones included.</summary>
    public int InputCount => _op.Inputs.Length;

    /// <summary>Input <paramref name="index"/>, which is present and among the tensors that the operation saves.</summary>
    public DeviceTensor Input(int index)
    {
        if ((_op.Saves.Inputs >> index & 1) == 0) throw NotSaved("input", index);
        return _program.Tensor(_op.Inputs[index]);
    }

    /// <summary>As <see cref="Input"/>, or null where it is absent.</summary>
    public DeviceTensor? Optional(int index) => index < _op.Inputs.Length && _op.Inputs[index] >= 0 ? Input(index) : null;

    /// <summary>Result <paramref name="index"/> of the forward pass, which is among the tensors that the operation
    /// saves.</summary>
    public DeviceTensor Output(int index = 0)
    {
        if ((_op.Saves.Outputs >> index & 1) == 0) throw NotSaved("output", index);
        return _program.Tensor(_op.Outputs[index]);
    }

    /// <summary>Description of input <paramref name="index"/>, saved or not.</summary>
    public TensorSpec InputSpec(int index) => _program.Tape.Slots[_op.Inputs[index]].Spec;

    /// <summary>The gradient of result <paramref name="index"/>; null when nothing depends on that result.</summary>
    public DeviceTensor? OutputGradient(int index) => _program.GradientOrNull(_op.Outputs[index]);

    /// <summary>The gradient of the only result.</summary>
    public DeviceTensor OutputGradient() => _program.GradientOrNull(_op.Outputs[0])
        ?? throw new InvalidOperationException($"{_op.Path}: its first result has no gradient");

    /// <summary>Whether the gradient of input <paramref name="index"/> is wanted.</summary>
    public bool Wants(int index) => (_op.Wanted >> index & 1) != 0;

    /// <summary>Where the gradient of input <paramref name="index"/> goes, of the input's shape, to be written whole; null when it is
    /// not wanted. Ask once.</summary>
    public DeviceTensor? Gradient(int index)
    {
        if (index >= _op.Inputs.Length || !Wants(index)) return null;
        var sum = _program.Gradient(_op.Inputs[index]);
        if ((_fresh >> index & 1) != 0) return sum;
        var contribution = DeviceTensor.Allocate(Stream, sum.DType, sum.Shape);
        _pending.Add((contribution, sum));
        return contribution;
    }

    internal void Run(TapeOp op, uint fresh)
    {
        (_op, _fresh) = (op, fresh);
        try
        {
            op.Operation.Backward(this);
            foreach (var (contribution, sum) in _pending) Kernels.Binary(Stream, BinaryOp.Add, sum, contribution, sum);
        }
        finally
        {
            foreach (var (contribution, _) in _pending) contribution.Dispose();
            _pending.Clear();
        }
    }

    private InvalidOperationException NotSaved(string what, int index) =>
        new($"{_op.Path}: its backward pass reads {what} {index}, which it does not declare as saved");
}
