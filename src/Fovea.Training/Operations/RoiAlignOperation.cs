namespace Fovea.Training;

/// <summary>Fixed-size features of boxes: x [N][H][W][C], boxes [R][4], image of each box i32 or i64 [R] or absent; y [R][h][w][C].
/// Boxes get no gradient.</summary>
internal sealed record RoiAlignOperation(RoiAlignOptions Options, long Height, long Width) : Operation
{
    public override string Name => "roi_align";

    public override SavedTensors Saves(uint wanted) => new(Options.Mode == RoiMode.Align ? 0b110u : 0b111u);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, boxes) = (inputs[0]!, inputs[1]!);
        if (x.Rank != 4 || boxes.Rank != 2 || boxes[1] != 4 || Height < 1 || Width < 1) throw Bad($"{Height} by {Width} bins of boxes {boxes} in x {x}");
        if (inputs.Length > 2 && inputs[2] is { } images && (images.Rank != 1 || images[0] != boxes[0])) throw Bad($"images {images} do not fit boxes {boxes}");
        outputs[0] = x.With(boxes[0], Height, Width, x[3]);
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.RoiAlign(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Optional(2), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx)
            Kernels.RoiAlignBackward(pass.Stream, Options, Options.Mode == RoiMode.Align ? null : pass.Input(0), pass.Input(1), pass.Optional(2), pass.OutputGradient(), dx);
    }
}
