namespace Fovea.Training;

/// <summary>y = activation(x w^T + bias): x [..][in], w [out][in], bias [out] or absent; y [..][out].</summary>
/// <param name="Activation">Of an inference with f32 weights; recorded without, because backward would need what goes into it.</param>
internal sealed record LinearOperation(Activation Activation = default) : Operation
{
    public override string Name => "linear";

    public override SavedTensors Saves(uint wanted) => SavedTensors.OfProduct(wanted);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, w) = (inputs[0]!, inputs[1]!);
        if (w.Rank != 2 || x.Rank < 1 || x[^1] != w[1]) throw Bad($"weight {w} does not fit x {x}");
        if (inputs.Length > 2 && inputs[2] is { } bias && (bias.Rank != 1 || bias[0] != w[0])) throw Bad($"bias {bias} does not fit weight {w}");
        outputs[0] = x.With([.. x.Shape[..^1], w[0]]);
    }

    // Each element of y is a sum over one filter.
    public override long MultiplyAdds(ReadOnlySpan<TensorSpec?> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[0].ElementCount * (inputs[1]!.ElementCount / outputs[0][^1]);

    public override uint PackedInputs => 0b10;

    // Narrow weights, a cast of the master copy, are not packed: they go into a plain product.
    public override DeviceTensor? Pack(ForwardPass pass) => pass.Input(1) is { DType: DType.Float32 } weight
        ? Kernels.PrepareLinear(pass.Stream, Options(weight), weight)
        : null;

    public override void Forward(ForwardPass pass)
    {
        var weight = pass.Input(1);
        if (weight.DType != DType.Float32)
        {
            ForwardNarrow(pass, weight);
            return;
        }
        using var packed = pass.Packed();
        Kernels.Linear(pass.Stream, Options(weight), pass.Input(0), packed, pass.Optional(2), slope: null, pass.Output());
    }

    private LinearOptions Options(DeviceTensor weight) =>
        new() { OutFeatures = checked((int)weight.Shape[0]), InFeatures = checked((int)weight.Shape[1]), Activation = Activation };

    private static void ForwardNarrow(ForwardPass pass, DeviceTensor weight)
    {
        var y = pass.Output();
        Kernels.MatMul(pass.Stream, new MatMulOptions { TransposeB = true }, pass.Input(0).Reshape(-1, weight.Shape[1]), weight, y.Reshape(-1, weight.Shape[0]));
        if (pass.Optional(2) is { } bias) Kernels.Binary(pass.Stream, BinaryOp.Add, y, bias, y);
    }

    public override void Backward(BackwardPass pass)
    {
        var weight = pass.InputSpec(1);
        var dy = pass.OutputGradient().Reshape(-1, weight[0]);
        if (pass.Gradient(0) is { } dx) Kernels.MatMul(pass.Stream, new MatMulOptions(), dy, pass.Input(1), dx.Reshape(-1, weight[1]));
        if (pass.Gradient(1) is { } dw)
            Kernels.MatMul(pass.Stream, new MatMulOptions { TransposeA = true }, dy, pass.Input(0).Reshape(-1, weight[1]), dw);
        if (pass.Gradient(2) is { } dbias) Kernels.Reduce(pass.Stream, ReduceOptions.Over(ReduceOp.Sum, 0), dy, dbias);
    }
}
