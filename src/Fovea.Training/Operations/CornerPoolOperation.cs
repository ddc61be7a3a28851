namespace Fovea.Training;

/// <summary>Running maximum of x [N][H][W][C] towards one side (Law and Deng, "CornerNet", 2018).</summary>
internal sealed record CornerPoolOperation(Corner Corner) : Operation
{
    public override string Name => "corner_pool";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(0);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        if (inputs[0]!.Rank != 4) throw Bad($"x is {inputs[0]}");
        outputs[0] = inputs[0]!;
    }

    public override void Forward(ForwardPass pass) => Kernels.CornerPool(pass.Stream, Corner, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.CornerPoolBackward(pass.Stream, Corner, pass.Input(0), pass.OutputGradient(), dx);
    }
}
