namespace Fovea.Training;

/// <summary>1 - overlap of pairs of boxes [N][4]; the targets are constants.</summary>
internal sealed record BoxLossOperation(BoxLossOptions Options) : Operation
{
    public override string Name => "box_loss";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, targets) = (inputs[0]!, inputs[1]!);
        if (boxes.DType != DType.Float32 || boxes.Rank != 2 || boxes[1] != 4) throw Bad($"boxes must be f32 [N][4], they are {boxes}");
        if (!boxes.Equals(targets)) throw Bad($"targets {targets} do not fit boxes {boxes}");
        outputs[0] = boxes.With(boxes[0]);
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.BoxLoss(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dBoxes) Kernels.BoxLossBackward(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.OutputGradient(), dBoxes);
    }
}
