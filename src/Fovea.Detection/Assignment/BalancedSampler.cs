using Fovea.Training;

namespace Fovea.Detection.Assignment;

/// <summary>Takes a few anchors of many at random, so that the ground does not drown the objects (Girshick, "Fast R-CNN", 2015).</summary>
public static class BalancedSampler
{
    /// <summary>Picks at most <paramref name="count"/> anchors: up to <paramref name="mostPositives"/> that have an object, and anchors of the
    /// ground for the rest. Ignored anchors are never picked.</summary>
    /// <param name="matches">[N] as <see cref="MaxIouMatcher"/> sets them.</param>
    /// <param name="count">Room for anchors.</param>
    /// <param name="mostPositives">Room for those that have an object.</param>
    /// <param name="random">A pick depends on this state, <paramref name="firstIndex"/> and the matches alone.</param>
    /// <param name="firstIndex">Number of the first anchor: other ones for each image of a batch.</param>
    /// <param name="isPicked">[N].</param>
    /// <returns>How many were picked.</returns>
    public static int Sample(ReadOnlySpan<int> matches, int count, int mostPositives, CounterRandom random, uint firstIndex, Span<bool> isPicked)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(mostPositives);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, mostPositives);
        if (isPicked.Length != matches.Length) throw new ArgumentException($"{isPicked.Length} marks for {matches.Length} anchors", nameof(isPicked));
        isPicked.Clear();
        var (positives, negatives) = (new List<int>(), new List<int>());
        for (var i = 0; i < matches.Length; i++)
        {
            if (matches[i] >= 0) positives.Add(i);
            else if (matches[i] == MaxIouMatcher.Background) negatives.Add(i);
        }
        var picked = Pick(positives, mostPositives, random, firstIndex, isPicked);
        return picked + Pick(negatives, count - picked, random, firstIndex, isPicked);
    }

    // Those with the smallest random numbers: a subset as likely as any other, whatever the order.
    private static int Pick(List<int> candidates, int count, CounterRandom random, uint firstIndex, Span<bool> isPicked)
    {
        if (candidates.Count > count)
        {
            var keys = candidates.ConvertAll(i => (ulong)random.Bits(firstIndex + (uint)i) << 32 | (uint)i);
            keys.Sort();
            candidates = keys.GetRange(0, count).ConvertAll(key => (int)(uint)key);
        }
        foreach (var i in candidates) isPicked[i] = true;
        return candidates.Count;
    }
}
