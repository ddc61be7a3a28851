namespace Fovea.Detection.Systems;

/// <summary>The corners of one image, best first.</summary>
internal static class CornerCandidates
{
    /// <summary>A corner: place in cells, class, tag and score.</summary>
    internal readonly record struct Candidate(float X, float Y, int Class, float Tag, float Score);

    /// <summary>Maxima of 3x3 cells of a heat map by logit, then by class, row and column. Equal neighbours that are both maxima are both
    /// corners; NaN is none.</summary>
    /// <param name="heat">Logits [side][side][classes].</param>
    /// <param name="tags">[side][side].</param>
    /// <param name="offsets">[side][side][2].</param>
    /// <param name="side">Cells of a side.</param>
    /// <param name="classes">Channels of the heat map.</param>
    /// <param name="count">Most corners.</param>
    public static List<Candidate> Find(ReadOnlySpan<float> heat, ReadOnlySpan<float> tags, ReadOnlySpan<float> offsets, int side, int classes, int count)
    {
        var peaks = new List<(float Logit, int Rank)>(); // rank: (class * side + y) * side + x
        for (var label = 0; label < classes; label++)
            for (var y = 0; y < side; y++)
                for (var x = 0; x < side; x++)
                    if (IsPeak(heat, side, classes, label, x, y)) peaks.Add((heat[(y * side + x) * classes + label], (label * side + y) * side + x));
        peaks.Sort((a, b) => a.Logit != b.Logit ? b.Logit.CompareTo(a.Logit) : a.Rank.CompareTo(b.Rank));
        var found = new List<Candidate>();
        foreach (var (logit, rank) in peaks.Take(count))
        {
            var (label, cell) = (rank / (side * side), rank % (side * side));
            found.Add(new Candidate(cell % side + offsets[2 * cell], cell / side + offsets[2 * cell + 1], label, tags[cell], 1 / (1 + MathF.Exp(-logit))));
        }
        return found;
    }

    private static bool IsPeak(ReadOnlySpan<float> heat, int side, int classes, int label, int x, int y)
    {
        var value = heat[(y * side + x) * classes + label];
        if (float.IsNaN(value)) return false;
        for (var row = Math.Max(0, y - 1); row <= Math.Min(side - 1, y + 1); row++)
            for (var column = Math.Max(0, x - 1); column <= Math.Min(side - 1, x + 1); column++)
                if (heat[(row * side + column) * classes + label] > value) return false;
        return true;
    }
}
