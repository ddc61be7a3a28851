using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Pairs of corners of each image: heat logits [B][S][S][C], tags [B][S][S][1] and offsets [B][S][S][2] of top-left, then of
/// bottom-right corners, to rows [B][pairs][6] = x1 y1 x2 y2 score class and classes i32 [B][pairs], best first, then by corner; scores of 0
/// and classes of -1 behind the last.
/// <para>A pair is of one class, has tags that are near each other, and its second corner is not left of or above the first. Its score is the
/// mean of both.</para></summary>
/// <param name="Pairing">What makes a pair.</param>
/// <param name="Stride">Pixels of a cell.</param>
/// <param name="ImageSize">Boxes are clipped to the image.</param>
internal sealed record CornerNetDecodeOperation(CornerPairing Pairing, int Stride, int ImageSize) : HostOperation
{
    public override string Name => "cornernet_decode";

    public override int OutputCount => 2;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var heat = inputs[0]!;
        if (heat.Rank != 4 || heat[1] != heat[2]) throw Bad($"heat is {heat}");
        for (var i = 0; i < 6; i++)
            if (inputs[i]!.Rank != 4 || !inputs[i]!.Shape[..3].SequenceEqual(heat.Shape[..3]) || inputs[i]![3] != (i % 3) switch { 0 => heat[3], 1 => 1, _ => 2 })
                throw Bad($"map {i} is {inputs[i]}, the heat {heat}");
        outputs[0] = heat.With(heat[0], Pairing.Pairs, 6);
        outputs[1] = new TensorSpec(DType.Int32, heat[0], Pairing.Pairs);
    }

    protected override void Compute(HostTensors tensors)
    {
        var rows = tensors.Output<float>(0);
        var classes = tensors.Output<int>(1);
        rows.Clear();
        classes.Fill(-1);
        for (var image = 0; image < tensors.InputShape(0)[0]; image++)
        {
            var pairs = Pairs(Candidates(tensors, 0, image), Candidates(tensors, 3, image));
            for (var i = 0; i < Math.Min(pairs.Count, Pairing.Pairs); i++)
            {
                var (first, second, score) = pairs[i];
                var row = image * Pairing.Pairs + i;
                ReadOnlySpan<float> values = [Pixels(first.X), Pixels(first.Y), Pixels(second.X), Pixels(second.Y), score, first.Class];
                values.CopyTo(rows[(6 * row)..]);
                classes[row] = first.Class;
            }
        }
    }

    private List<CornerCandidates.Candidate> Candidates(HostTensors tensors, int first, int image)
    {
        var shape = tensors.InputShape(first);
        var (side, labels) = ((int)shape[1], (int)shape[3]);
        ReadOnlySpan<float> Of(int input, int channels) => tensors.Input<float>(input).Slice(image * side * side * channels, side * side * channels);
        return CornerCandidates.Find(Of(first, labels), Of(first + 1, 1), Of(first + 2, 2), side, labels, Pairing.Corners);
    }

    private List<(CornerCandidates.Candidate First, CornerCandidates.Candidate Second, float Score)> Pairs(
        List<CornerCandidates.Candidate> topLeft, List<CornerCandidates.Candidate> bottomRight)
    {
        var pairs = new List<(CornerCandidates.Candidate First, CornerCandidates.Candidate Second, float Score)>();
        foreach (var t in topLeft)
            foreach (var b in bottomRight)
                if (t.Class == b.Class && MathF.Abs(t.Tag - b.Tag) <= Pairing.MaxTagDifference && b.X >= t.X && b.Y >= t.Y)
                    pairs.Add((t, b, (t.Score + b.Score) / 2));
        // Stable: equal scores stay in the order of their corners.
        return [.. pairs.OrderByDescending(p => p.Score)];
    }

    private float Pixels(float cells) => Math.Clamp(cells * Stride, 0, ImageSize);
}
