using Fovea.Training;

namespace Fovea.Detection.Assignment;

/// <summary>Overlaps of boxes a [B][N][4] and b [B][M][4] of the same image: [B][N][M]. Boxes of different images never meet.</summary>
internal sealed record BoxOverlapsOperation(Overlap Overlap) : ConstantOperation
{
    public override string Name => "box_overlaps";

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (a, b) = (inputs[0]!, inputs[1]!);
        if (a.Rank != 3 || b.Rank != 3 || a[2] != 4 || b[2] != 4 || a[0] != b[0]) throw Bad($"boxes {a} and {b} do not fit");
        outputs[0] = a.With(a[0], a[1], b[1]);
    }

    public override void Forward(ForwardPass pass)
    {
        for (var image = 0L; image < pass.Output().Shape[0]; image++)
            Kernels.BoxOverlaps(pass.Stream, Of(pass.Input(0), image), Of(pass.Input(1), image), Of(pass.Output(), image), Overlap);
    }

    private static DeviceTensor Of(DeviceTensor tensor, long image) => tensor.Rows(image, 1).Reshape(tensor.Shape[1..]);
}
