namespace Fovea.Detection.Assignment;

/// <summary>Gives every anchor the object that it overlaps most, as in Faster R-CNN (Ren, He, Girshick, Sun, 2015).</summary>
public static class MaxIouMatcher
{
    /// <summary>An anchor of the ground.</summary>
    public const int Background = -1;

    /// <summary>An anchor between the thresholds, which is trained on nothing.</summary>
    public const int Ignored = -2;

    /// <summary>Sets for each anchor its object (the lowest of equals), <see cref="Background"/> below <paramref name="lower"/>, or
    /// <see cref="Ignored"/> from there to below <paramref name="upper"/>.</summary>
    /// <param name="overlaps">IoU of G objects with N anchors, [G][N]; NaN counts as no overlap.</param>
    /// <param name="lower">Below it lies the ground.</param>
    /// <param name="upper">From it on an anchor has its object.</param>
    /// <param name="keepsLowQuality">Whether every anchor whose overlap equals the best one of some object, ties included, keeps its own best
    /// object even below the thresholds: an object without any good anchor is then not lost. An object that overlaps nothing stays
    /// without; in torchvision it would claim every anchor that it does not touch.</param>
    /// <param name="matches">[N].</param>
    /// <exception cref="ArgumentException">The overlaps are no whole number of rows.</exception>
    public static void Match(ReadOnlySpan<float> overlaps, float lower, float upper, bool keepsLowQuality, Span<int> matches)
    {
        if (!(lower <= upper)) throw new ArgumentException($"thresholds {lower} and {upper} are not in order", nameof(lower));
        var anchors = matches.Length;
        if (anchors == 0 ? !overlaps.IsEmpty : overlaps.Length % anchors != 0)
            throw new ArgumentException($"{overlaps.Length} overlaps are no rows of {anchors} anchors", nameof(overlaps));
        var objects = anchors == 0 ? 0 : overlaps.Length / anchors;
        var bestOfObject = new float[objects];
        for (var o = 0; o < objects; o++)
            foreach (var overlap in overlaps.Slice(o * anchors, anchors)) bestOfObject[o] = overlap > bestOfObject[o] ? overlap : bestOfObject[o];
        for (var a = 0; a < anchors; a++)
        {
            var (best, match, isKept) = (0f, Background, false);
            for (var o = 0; o < objects; o++)
            {
                var overlap = overlaps[o * anchors + a];
                if (overlap > best) (best, match) = (overlap, o);
                isKept |= keepsLowQuality && overlap > 0 && overlap == bestOfObject[o];
            }
            matches[a] = match < 0 || isKept || best >= upper ? match : best < lower ? Background : Ignored;
        }
    }
}
