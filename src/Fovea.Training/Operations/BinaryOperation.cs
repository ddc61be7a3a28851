namespace Fovea.Training;

/// <summary>y = a op b with NumPy broadcasting.</summary>
internal sealed record BinaryOperation(BinaryOp Op) : Operation
{
    public override string Name => Op switch
    {
        BinaryOp.Add => "add",
        BinaryOp.Sub => "sub",
        BinaryOp.Mul => "mul",
        BinaryOp.Div => "div",
        BinaryOp.Max => "max",
        BinaryOp.Min => "min",
        _ => "pow",
    };

    // Sums and differences pass dy on; a product needs the other operand; the rest need both.
    private bool IsSum => Op is BinaryOp.Add or BinaryOp.Sub;

    public override SavedTensors Saves(uint wanted) => Op switch
    {
        BinaryOp.Add or BinaryOp.Sub => SavedTensors.None,
        BinaryOp.Mul => SavedTensors.OfProduct(wanted),
        _ => new SavedTensors(Inputs: 0b11),
    };

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (a, b) = (inputs[0]!, inputs[1]!);
        var shape = new long[Math.Max(a.Rank, b.Rank)];
        for (var i = 1; i <= shape.Length; i++)
        {
            var (x, y) = (i <= a.Rank ? a[^i] : 1, i <= b.Rank ? b[^i] : 1);
            if (x != y && x != 1 && y != 1) throw Bad($"{a} and {b} do not broadcast");
            shape[^i] = x == 1 ? y : x;
        }
        outputs[0] = a.With(shape);
    }

    public override void Forward(ForwardPass pass) => Kernels.Binary(pass.Stream, Op, pass.Input(0), pass.Input(1), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        for (var i = 0; i < 2; i++)
        {
            if (pass.Gradient(i) is not { } d) continue;
            if (d.Shape.SequenceEqual(pass.OutputGradient().Shape))
            {
                Write(pass, i, d);
                continue;
            }
            using var whole = DeviceTensor.Allocate(pass.Stream, d.DType, pass.OutputGradient().Shape);
            Write(pass, i, whole);
            SumOut(pass.Stream, whole, d);
        }
    }

    private void Write(BackwardPass pass, int index, DeviceTensor d)
    {
        var dy = pass.OutputGradient();
        if (IsSum && (index == 0 || Op == BinaryOp.Add)) Kernels.Copy(pass.Stream, dy, d);
        else if (IsSum) Kernels.Affine(pass.Stream, -1, 0, dy, d);
        else if (Op == BinaryOp.Mul) Kernels.Binary(pass.Stream, BinaryOp.Mul, dy, pass.Input(1 - index), d);
        else Kernels.BinaryBackward(pass.Stream, Op, pass.Input(0), pass.Input(1), dy, index == 0 ? d : null, index == 1 ? d : null);
    }

    // What broadcasting repeated adds up again.
    private static void SumOut(DeviceStream stream, DeviceTensor whole, DeviceTensor d)
    {
        uint axes = 0;
        for (var i = 1; i <= whole.Rank; i++)
            if (i > d.Rank || (d.Shape[^i] == 1 && whole.Shape[^i] != 1)) axes |= 1u << (whole.Rank - i);
        // The result with every summed dimension as 1.
        Span<long> shape = stackalloc long[whole.Rank];
        for (var i = 0; i < shape.Length; i++) shape[i] = (axes >> i & 1) != 0 ? 1 : whole.Shape[i];
        Kernels.Reduce(stream, new ReduceOptions { Op = ReduceOp.Sum, Axes = axes }, whole, d.Reshape(shape));
    }
}
