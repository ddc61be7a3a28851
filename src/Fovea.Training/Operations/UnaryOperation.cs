namespace Fovea.Training;

/// <summary>y = op(x) by element; affine: y = alpha*x + beta.</summary>
internal sealed record UnaryOperation(UnaryOp Op, float Alpha = 1, float Beta = 0) : Operation
{
    public override string Name => Op.ToString().ToLowerInvariant();

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(0).When(Op != UnaryOp.Affine);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs) => outputs[0] = inputs[0]!;

    public override void Forward(ForwardPass pass)
    {
        if (Op == UnaryOp.Affine) Kernels.Affine(pass.Stream, Alpha, Beta, pass.Input(0), pass.Output());
        else Kernels.Unary(pass.Stream, Op, pass.Input(0), pass.Output());
    }

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is not { } dx) return;
        if (Op == UnaryOp.Affine) Kernels.Affine(pass.Stream, Alpha, 0, pass.OutputGradient(), dx);
        else Kernels.UnaryBackward(pass.Stream, Op, pass.Input(0), pass.OutputGradient(), dx);
    }
}
