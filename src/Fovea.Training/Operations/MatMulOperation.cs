namespace Fovea.Training;

/// <summary>y[..][m][n] = alpha * op(a)[..][m][k] op(b)[..][k][n], with batch dimensions that are equal or absent in one
/// operand.</summary>
internal sealed record MatMulOperation(MatMulOptions Options) : Operation
{
    public override string Name => "matmul";

    public override SavedTensors Saves(uint wanted) => SavedTensors.OfProduct(wanted);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (a, b) = (inputs[0]!, inputs[1]!);
        if (a.Rank < 2 || b.Rank < 2) throw Bad($"{a} and {b} are not both matrices");
        var (m, ka) = Options.TransposeA ? (a[^1], a[^2]) : (a[^2], a[^1]);
        var (kb, n) = Options.TransposeB ? (b[^1], b[^2]) : (b[^2], b[^1]);
        var batchA = a.Shape[..^2];
        var batchB = b.Shape[..^2];
        if (ka != kb || !(batchA.SequenceEqual(batchB) || batchA.IsEmpty || batchB.IsEmpty)) throw Bad($"{a} and {b} do not fit");
        outputs[0] = a.With([.. batchA.IsEmpty ? batchB : batchA, m, n]);
    }

    public override long MultiplyAdds(ReadOnlySpan<TensorSpec?> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[0].ElementCount * (Options.TransposeA ? inputs[0]![^2] : inputs[0]![^1]);

    public override void Forward(ForwardPass pass) => Kernels.MatMul(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Output());

    // With y = A B: dA = dy B^T, dB = A^T dy, and the transposes of those where an operand is stored transposed.
    public override void Backward(BackwardPass pass)
    {
        var dy = pass.OutputGradient();
        var (ta, tb) = (Options.TransposeA, Options.TransposeB);
        if (pass.Gradient(0) is { } da)
        {
            if (ta) Product(pass, pass.Input(1), dy, tb, true, da);
            else Product(pass, dy, pass.Input(1), false, !tb, da);
        }
        if (pass.Gradient(1) is { } db)
        {
            if (tb) Product(pass, dy, pass.Input(0), true, ta, db);
            else Product(pass, pass.Input(0), dy, !ta, false, db);
        }
    }

    // An operand that served a whole batch gets the sum over the batch.
    private void Product(BackwardPass pass, DeviceTensor a, DeviceTensor b, bool transposeA, bool transposeB, DeviceTensor result)
    {
        var options = Options with { TransposeA = transposeA, TransposeB = transposeB };
        var batch = a.Rank >= b.Rank ? a.Shape[..^2] : b.Shape[..^2];
        if (result.Rank - 2 == batch.Length)
        {
            Kernels.MatMul(pass.Stream, options, a, b, result);
            return;
        }
        using var parts = DeviceTensor.Allocate(pass.Stream, result.DType, [.. batch, .. result.Shape]);
        Kernels.MatMul(pass.Stream, options, a, b, parts);
        var axes = new int[batch.Length];
        for (var i = 0; i < axes.Length; i++) axes[i] = i;
        Kernels.Reduce(pass.Stream, ReduceOptions.Over(ReduceOp.Sum, axes), parts, result);
    }
}
