using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Detections of a second stage with deltas of its own for each class: probabilities [B*P][C + 1], deltas [B*P][4*(C + 1)], regions
/// [B*P][4], class of each candidate i32 [C*P] to [B][capacity][6] = x1 y1 x2 y2 score class, best first, zeros behind the last.</summary>
/// <param name="ClassCount">C; the column behind them means the ground.</param>
/// <param name="Regions">P, regions per image.</param>
/// <param name="ImageSize">Boxes are clipped to it.</param>
/// <param name="Capacity">Detections per image.</param>
internal sealed record ClassBoxesOperation(int ClassCount, int Regions, int ImageSize, int Capacity)
    : GroupedBoxesOperation(Options(ImageSize), IouThreshold: 0.5f, MinSide: 0.01f, Capacity)
{
    public override string Name => "class_boxes";

    protected override IReadOnlyList<int> GroupSizes { get; } = CandidatesOf(ClassCount, Regions);

    /// <summary>Candidates of each class.</summary>
    public static EquatableList<int> CandidatesOf(int classCount, int regions) => [.. Enumerable.Repeat(regions, classCount)];

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (scores, deltas, regions) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (scores.Rank != 2 || scores[1] != ClassCount + 1 || scores[0] % Regions != 0 ||
            !deltas.Equals(scores.With(scores[0], 4 * scores[1])) || !regions.Equals(scores.With(scores[0], 4)))
            throw Bad($"scores {scores}, deltas {deltas} and regions {regions} do not fit {ClassCount} classes of {Regions} regions");
        outputs[0] = Result(inputs[3]!, scores, scores[0] / Regions);
    }

    public override void Forward(ForwardPass pass) => Forward(pass, pass.Input(3));

    protected override void DecodeGroup(ForwardPass pass, int image, int group, DeviceTensor rows, DeviceTensor count)
    {
        DeviceTensor Of(int input) => pass.Input(input).Rows((long)image * Regions, Regions);
        Kernels.DecodeBoxes(pass.Stream, Decode, Of(0).Columns(group, 1), null, Of(1).Columns(4 * group, 4), Of(2), rows, count);
    }

    private static DecodeOptions Options(int imageSize) => new()
    {
        Boxes = BoxMode.Deltas,
        DeltaWeights = (10, 10, 5, 5),
        ScoreThreshold = 0.05f,
        ClipWidth = imageSize,
        ClipHeight = imageSize,
    };
}
