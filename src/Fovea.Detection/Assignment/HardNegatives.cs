namespace Fovea.Detection.Assignment;

/// <summary>The boxes of the ground that a detector gets most wrong (Liu et al., "SSD", 2016).</summary>
public static class HardNegatives
{
    /// <summary>Picks, of the boxes of the ground, those with the largest losses, <paramref name="ratio"/> for each box that has an object: of
    /// equal losses the lower index, and NaN before all, so that a broken network is not hidden.</summary>
    /// <param name="losses">[N], of taking a box for ground.</param>
    /// <param name="matches">[N]: an object or <see cref="MaxIouMatcher.Background"/>.</param>
    /// <param name="ratio">3 in the paper.</param>
    /// <param name="isPicked">[N].</param>
    /// <returns>How many were picked.</returns>
    public static int Pick(ReadOnlySpan<double> losses, ReadOnlySpan<int> matches, int ratio, Span<bool> isPicked)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ratio);
        if (losses.Length != matches.Length || isPicked.Length != matches.Length)
            throw new ArgumentException($"{losses.Length} losses and {isPicked.Length} marks for {matches.Length} boxes", nameof(losses));
        isPicked.Clear();
        var negatives = new List<(double Loss, int Index)>();
        long positives = 0;
        for (var i = 0; i < matches.Length; i++)
        {
            if (matches[i] >= 0) positives++;
            if (matches[i] == MaxIouMatcher.Background) negatives.Add((double.IsNaN(losses[i]) ? double.PositiveInfinity : losses[i], i));
        }
        negatives.Sort((a, b) => a.Loss != b.Loss ? b.Loss.CompareTo(a.Loss) : a.Index.CompareTo(b.Index));
        var count = (int)Math.Min(negatives.Count, ratio * positives);
        foreach (var (_, index) in negatives.GetRange(0, count)) isPicked[index] = true;
        return count;
    }
}
