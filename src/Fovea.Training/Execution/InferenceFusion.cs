namespace Fovea.Training;

/// <summary>Rewrites a tape for inference: a convolution, a batch normalisation by constants, the sum with another value and an activation in
/// a row, of which nobody reads the values between, become one convolution, with the normalisation in weights and bias; a linear layer and
/// its activation likewise.</summary>
internal sealed class InferenceFusion
{
    private readonly DeviceStream _stream;
    private readonly int[] _reader; // by root slot: the only operation that reads it; negative: none, several, or the caller
    private readonly bool[] _isGone; // by operation

    public InferenceFusion(DeviceStream stream, Tape tape, IEnumerable<int> kept)
    {
        (_stream, Tape) = (stream, tape.Copy());
        _isGone = new bool[tape.Count];
        _reader = SoleReaders(tape, kept);
        try
        {
            for (var i = 0; i < tape.Count; i++)
            {
                if (tape.Ops[i].Operation is Conv2DOperation conv) Fuse(i, conv.Options);
                else if (tape.Ops[i].Operation is LinearOperation) FuseLinear(i);
            }
        }
        catch
        {
            foreach (var tensor in Weights.Concat(Biases)) tensor.Dispose();
            throw;
        }
    }

    /// <summary>The rewritten tape. Slots keep their numbers.</summary>
    public Tape Tape { get; }

    /// <summary>Folded weights, which are of no use once they are packed.</summary>
    public List<DeviceTensor> Weights { get; } = [];

    /// <summary>Folded biases.</summary>
    public List<DeviceTensor> Biases { get; } = [];

    /// <summary>The operations that are left.</summary>
    public IReadOnlyList<TapeStep> Order =>
        [.. Enumerable.Range(0, _isGone.Length).Where(i => !_isGone[i]).Select(TapeStep.Forward)];

    private static int[] SoleReaders(Tape tape, IEnumerable<int> kept)
    {
        const int several = -2;
        var reader = new int[tape.Slots.Length];
        Array.Fill(reader, -1);
        for (var i = 0; i < tape.Count; i++)
        {
            foreach (var input in tape.Ops[i].Inputs)
                if (input >= 0) Read(input, i);
        }
        foreach (var slot in kept) reader[tape.Slots[slot].Root] = several;
        return reader;

        // A view reads its root; so does whoever reads the view.
        void Read(int slot, int op)
        {
            ref var known = ref reader[tape.Slots[slot].Root];
            known = known is -1 && tape.Slots[slot].Root == slot ? op : several;
        }
    }

    // The fused operation stands where the last of its parts stood: what they read is computed by then.
    private void Fuse(int conv, Conv2DOptions options)
    {
        var first = Tape.Ops[conv];
        var (weight, bias, residual) = (first.Inputs[1], first.Inputs.Length > 2 ? first.Inputs[2] : -1, -1);
        var parts = new List<int> { conv };
        if (Follows<FrozenBatchNormOperation>(parts[^1], out var norm) && Fold(weight, bias, norm) is { } folded)
        {
            (weight, bias) = folded;
            parts.Add(_reader[first.Outputs[0]]);
        }
        if (Follows<BinaryOperation>(parts[^1], out var sum) && Addend(sum, Tape.Ops[parts[^1]].Outputs[0]) is >= 0 and var addend)
        {
            residual = addend;
            parts.Add(_reader[Tape.Ops[parts[^1]].Outputs[0]]);
        }
        if (Follows<ActivateOperation>(parts[^1], out var activate) && activate.Inputs.Length == 1)
        {
            options = options with { Activation = ((ActivateOperation)activate.Operation).Activation };
            parts.Add(_reader[Tape.Ops[parts[^1]].Outputs[0]]);
        }
        if (parts.Count == 1) return;
        foreach (var part in parts) _isGone[part] = part != parts[^1];
        var fused = new TapeOp(new Conv2DOperation(options), [first.Inputs[0], weight, bias, residual], Tape.Ops[parts[^1]].Outputs, Wanted: 0, first.Scope);
        Tape.Replace(parts[^1], fused);
    }

    private void FuseLinear(int linear)
    {
        var op = Tape.Ops[linear];
        if (Tape.Slots[op.Inputs[1]].Spec.DType != DType.Float32) return; // a plain product, which takes no activation
        if (!Follows<ActivateOperation>(linear, out var activate) || activate.Inputs.Length > 1) return;
        _isGone[linear] = true;
        Tape.Replace(_reader[op.Outputs[0]], new TapeOp(new LinearOperation(((ActivateOperation)activate.Operation).Activation), op.Inputs, activate.Outputs, Wanted: 0, op.Scope));
    }

    // Whether the only reader of an operation's result is one of this kind.
    private bool Follows<T>(int op, out TapeOp next) where T : Operation
    {
        var reader = _reader[Tape.Ops[op].Outputs[0]];
        next = Tape.Ops[Math.Max(reader, 0)];
        return reader >= 0 && !_isGone[reader] && next.Operation is T;
    }

    // What is added to a slot, of the same shape; -1: nothing is.
    private int Addend(TapeOp sum, int slot)
    {
        var other = sum.Inputs[sum.Inputs[0] == slot ? 1 : 0];
        return sum.Operation is BinaryOperation { Op: BinaryOp.Add } && Tape.Slots[other].Spec.Equals(Tape.Slots[slot].Spec) ? other : -1;
    }

    // gamma*(w*x + b - mean)/deviation + beta = (w*s)*x + (b - mean)*s + beta with s = gamma/deviation; null where something is no constant.
    private (int Weight, int Bias)? Fold(int weightSlot, int biasSlot, TapeOp norm)
    {
        if (norm.Inputs[0] < 0 || Constant(weightSlot) is not { DType: DType.Float32 } weight) return null;
        if (Constant(norm.Inputs[3]) is not { } mean || Constant(norm.Inputs[4]) is not { } variance) return null;
        if (!IsConstant(biasSlot, out var bias) || !IsConstant(norm.Inputs[1], out var gamma) || !IsConstant(norm.Inputs[2], out var beta)) return null;

        using var scale = DeviceTensor.Allocate(_stream, DType.Float32, variance.Shape);
        Kernels.Affine(_stream, 1, ((FrozenBatchNormOperation)norm.Operation).Options.Epsilon, variance, scale);
        Kernels.Unary(_stream, UnaryOp.Rsqrt, scale, scale);
        if (gamma is not null) Kernels.Binary(_stream, BinaryOp.Mul, scale, gamma, scale);
        Weights.Add(DeviceTensor.Allocate(_stream, DType.Float32, weight.Shape));
        Kernels.Binary(_stream, BinaryOp.Mul, weight, scale.Reshape(-1, 1, 1, 1), Weights[^1]);
        Biases.Add(DeviceTensor.Allocate(_stream, DType.Float32, mean.Shape));
        if (bias is null) Kernels.Affine(_stream, -1, 0, mean, Biases[^1]);
        else Kernels.Binary(_stream, BinaryOp.Sub, bias, mean, Biases[^1]);
        Kernels.Binary(_stream, BinaryOp.Mul, Biases[^1], scale, Biases[^1]);
        if (beta is not null) Kernels.Binary(_stream, BinaryOp.Add, Biases[^1], beta, Biases[^1]);
        return (Tape.AddConstant(Weights[^1]), Tape.AddConstant(Biases[^1]));
    }

    // An absent input is one, too.
    private bool IsConstant(int slot, out DeviceTensor? tensor)
    {
        tensor = slot < 0 ? null : Constant(slot);
        return slot < 0 || tensor is not null;
    }

    private DeviceTensor? Constant(int slot)
    {
        var at = Tape.Slots[slot];
        if (at.Producer < 0) return at.Parameter?.Value ?? at.Bound;
        var op = Tape.Ops[at.Producer];
        return op.Operation is ViewOperation view && Constant(op.Inputs[0]) is { } source ? view.Apply(source) : null;
    }
}
