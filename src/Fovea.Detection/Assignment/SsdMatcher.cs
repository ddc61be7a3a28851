namespace Fovea.Detection.Assignment;

/// <summary>Gives default boxes their objects as SSD does (Liu et al., "SSD: Single Shot MultiBox Detector", 2016).</summary>
public static class SsdMatcher
{
    /// <summary>First every object gets a default box of its own: the pair with the largest IoU, then the largest among the rest, and so on.
    /// Then each default box that is left takes the object it overlaps most, if by more than <paramref name="threshold"/>. Of equal IoUs the
    /// lowest object, then the lowest box.</summary>
    /// <param name="overlaps">IoU of G objects with N default boxes, [G][N]; NaN counts as no overlap.</param>
    /// <param name="threshold">0.5 in the paper.</param>
    /// <param name="matches">[N]: an object or <see cref="MaxIouMatcher.Background"/>.</param>
    /// <exception cref="ArgumentException">The overlaps are no whole number of rows.</exception>
    public static void Match(ReadOnlySpan<float> overlaps, float threshold, Span<int> matches)
    {
        var boxes = matches.Length;
        // What lies above the threshold; NextUp, because that matcher takes the threshold itself.
        MaxIouMatcher.Match(overlaps, MathF.BitIncrement(threshold), MathF.BitIncrement(threshold), keepsLowQuality: false, matches);
        var objects = boxes == 0 ? 0 : overlaps.Length / boxes;
        var isTaken = new bool[boxes];
        var isServed = new bool[objects];
        for (var round = 0; round < objects; round++)
        {
            var (best, bestObject, bestBox) = (0f, -1, -1);
            for (var o = 0; o < objects; o++)
            {
                if (isServed[o]) continue;
                for (var b = 0; b < boxes; b++)
                {
                    var overlap = overlaps[o * boxes + b];
                    if (overlap > best && !isTaken[b]) (best, bestObject, bestBox) = (overlap, o, b);
                }
            }
            if (bestObject < 0) return; // what is left overlaps no box that is free
            (isServed[bestObject], isTaken[bestBox], matches[bestBox]) = (true, true, bestObject);
        }
    }
}
