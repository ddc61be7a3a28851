using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Decoding of a head, image by image, and suppression (<see cref="Kernels.DetectBoxes"/>) unless <paramref name="Nms"/> is null: scores [B][N][C], objectness
/// [B][N][1] or absent, regression [B][N][R], anchors [N][3 or 4] or absent, to [B][capacity][6] with scores of 0 behind the last
/// detection.</summary>
internal sealed record DetectBoxesOperation(DecodeOptions Decode, NmsOptions? Nms, int Capacity) : ConstantOperation
{
    public override string Name => "detect_boxes";

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (scores, regression) = (inputs[0]!, inputs[2]!);
        if (scores.Rank != 3 || regression.Rank != 3 || scores[0] != regression[0] || scores[1] != regression[1])
            throw Bad($"scores {scores} and regression {regression} do not fit");
        outputs[0] = scores.With(scores[0], Capacity, 6);
    }

    public override void Forward(ForwardPass pass)
    {
        var stream = pass.Stream;
        var y = pass.Output();
        y.Fill(stream, 0);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        for (var image = 0; image < y.Shape[0]; image++)
        {
            DeviceTensor? Of(int input) => pass.Optional(input) is { } t ? t.Rows(image, 1).Reshape(t.Shape[1], t.Shape[2]) : null;
            var rows = y.Rows(image, 1).Reshape(Capacity, 6);
            if (Nms is { } nms)
            {
                Kernels.DetectBoxes(stream, Decode, nms, Of(0)!, Of(1), Of(2)!, pass.Optional(3), rows, count);
                continue;
            }
            count.Fill(stream, 0); // decoding appends
            Kernels.DecodeBoxes(stream, Decode, Of(0)!, Of(1), Of(2)!, pass.Optional(3), rows, count);
        }
    }
}
