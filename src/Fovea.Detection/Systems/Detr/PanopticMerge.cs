using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Systems;

/// <summary>From classes and masks of DETR's queries to one segment per pixel (Carion et al., 2020, section 4.4): every pixel goes to the query
/// with the largest mask logit there, queries of the same stuff class become one segment, and small segments are dropped until none is
/// left.</summary>
public static class PanopticMerge
{
    /// <summary>The id of the segment of each pixel, row by row, 0 where there is none at all, and what the ids mean.</summary>
    /// <param name="logits">[N][K], the last class "no object".</param>
    /// <param name="masks">[N][P]: mask logits, already at the size of the result.</param>
    /// <param name="isThing">[K - 1]: whether a class has objects that are told apart; false for stuff.</param>
    /// <param name="options">Thresholds.</param>
    public static (int[] Map, PanopticSegment[] Segments) Merge(
        ReadOnlySpan<float> logits, ReadOnlySpan<float> masks, ReadOnlySpan<bool> isThing, PanopticMergeOptions? options = null)
    {
        options ??= new PanopticMergeOptions();
        var k = isThing.Length + 1;
        var n = logits.Length / k;
        if (n * k != logits.Length || (n == 0 ? masks.Length != 0 : masks.Length % n != 0))
            throw new ArgumentException($"{logits.Length} logits of {k} classes and {masks.Length} mask logits do not fit", nameof(masks));
        var pixels = n == 0 ? 0 : masks.Length / n;
        var kept = new List<(int Query, int Class)>();
        for (var query = 0; query < n; query++)
        {
            var (best, score) = Best(logits.Slice(query * k, k));
            if (best < k - 1 && score > options.ScoreThreshold) kept.Add((query, best));
        }

        var owners = new int[pixels]; // indices into kept
        for (var merges = true; ; merges = !options.MergesStuffOnce)
        {
            var group = Groups(kept, isThing, merges);
            var areas = GiveOut(masks, kept, group, owners);
            var judged = merges && options.MergesStuffOnce;
            if (kept.RemoveAll(WhereSmall(kept, i => areas[judged ? i : group[i]] <= options.SmallArea)) > 0) continue;
            return Name(kept, group, owners);
        }
    }

    private static (int Class, double Probability) Best(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var c = 1; c < logits.Length; c++)
            if (logits[c] > logits[best]) best = c;
        double sum = 0;
        foreach (var logit in logits) sum += Math.Exp((double)logit - logits[best]);
        return (best, 1 / sum);
    }

    // The first kept query of the same stuff class, or the query itself.
    private static int[] Groups(List<(int Query, int Class)> kept, ReadOnlySpan<bool> isThing, bool merges)
    {
        var group = new int[kept.Count];
        for (var i = 0; i < group.Length; i++)
        {
            var label = kept[i].Class;
            group[i] = merges && !isThing[label] ? kept.FindIndex(o => o.Class == label) : i;
        }
        return group;
    }

    // Pixels to the groups of the largest logits, the first of equal ones; the areas of the groups.
    private static int[] GiveOut(ReadOnlySpan<float> masks, List<(int Query, int Class)> kept, int[] group, int[] owners)
    {
        var areas = new int[kept.Count];
        for (var pixel = 0; pixel < owners.Length && kept.Count > 0; pixel++)
        {
            var best = 0;
            for (var i = 1; i < kept.Count; i++)
                if (masks[kept[i].Query * owners.Length + pixel] > masks[kept[best].Query * owners.Length + pixel]) best = i;
            areas[owners[pixel] = group[best]]++;
        }
        return areas;
    }

    private static Predicate<(int Query, int Class)> WhereSmall(List<(int Query, int Class)> kept, Func<int, bool> isSmall)
    {
        var small = new HashSet<int>(Enumerable.Range(0, kept.Count).Where(isSmall).Select(i => kept[i].Query));
        return o => small.Contains(o.Query);
    }

    private static (int[] Map, PanopticSegment[] Segments) Name(List<(int Query, int Class)> kept, int[] group, int[] owners)
    {
        if (kept.Count == 0) return (new int[owners.Length], []);
        var ids = new int[kept.Count];
        var segments = new List<PanopticSegment>();
        for (var i = 0; i < ids.Length; i++)
            if (group[i] == i) segments.Add(new PanopticSegment(ids[i] = segments.Count + 1, kept[i].Class));
        return ([.. owners.Select(o => ids[o])], [.. segments]);
    }
}
