using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Proposals of a pyramid: logits [B][N][1], deltas [B][N][4], anchors [N][4], level of each candidate i32 [T] to
/// [B][capacity][6] = x1 y1 x2 y2 logit level, best first, zeros behind the last.</summary>
/// <param name="LevelSizes">Anchors of each level.</param>
/// <param name="CandidatesPerLevel">Those with the largest logits become boxes.</param>
/// <param name="ImageSize">Boxes are clipped to it.</param>
/// <param name="Capacity">Proposals per image.</param>
internal sealed record ProposalsOperation(EquatableList<int> LevelSizes, int CandidatesPerLevel, int ImageSize, int Capacity)
    : GroupedBoxesOperation(Options(ImageSize), IouThreshold: 0.7f, MinSide: 1e-3f, Capacity)
{
    public override string Name => "proposals";

    protected override IReadOnlyList<int> GroupSizes { get; } = CandidatesOf(LevelSizes, CandidatesPerLevel);

    /// <summary>Candidates of each level.</summary>
    public static EquatableList<int> CandidatesOf(EquatableList<int> levelSizes, int mostPerLevel) => [.. levelSizes.Select(n => Math.Min(n, mostPerLevel))];

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (logits, deltas, anchors) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (logits.Rank != 3 || logits[2] != 1 || !deltas.Equals(logits.With(logits[0], logits[1], 4)) ||
            !anchors.Equals(logits.With(logits[1], 4)) || logits[1] != LevelSizes.Sum())
            throw Bad($"logits {logits}, deltas {deltas} and anchors {anchors} do not fit {LevelSizes.Sum()} anchors");
        outputs[0] = Result(inputs[3]!, logits, logits[0]);
    }

    public override void Forward(ForwardPass pass) => Forward(pass, pass.Input(3));

    protected override void DecodeGroup(ForwardPass pass, int image, int group, DeviceTensor rows, DeviceTensor count)
    {
        var (start, size) = (LevelSizes.Take(group).Sum(), LevelSizes[group]);
        DeviceTensor Of(DeviceTensor all) => all.Rows(image, 1).Reshape(all.Shape[1], all.Shape[2]).Rows(start, size);
        Kernels.DecodeBoxes(pass.Stream, Decode, Of(pass.Input(0)), null, Of(pass.Input(1)), pass.Input(2).Rows(start, size), rows, count);
    }

    private static DecodeOptions Options(int imageSize) => new()
    {
        Boxes = BoxMode.Deltas,
        ScoreThreshold = float.NegativeInfinity, // logits
        ClipWidth = imageSize,
        ClipHeight = imageSize,
    };
}
