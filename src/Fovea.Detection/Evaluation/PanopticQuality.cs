namespace Fovea.Detection.Evaluation;

/// <summary>Panoptic quality over any number of images (Kirillov et al., "Panoptic Segmentation", 2019), by the rules of COCO's tool:
/// segments match at an overlap above 0.5, which makes the match unique; void pixels are taken out of unions; a wrong segment that lies
/// mostly in void or in a crowd of its category is forgiven.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class PanopticQuality
{
    private const int Void = 0;

    private readonly Tally[] _tallies;

    /// <summary>Starts with no image.</summary>
    public PanopticQuality(int categories)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(categories);
        _tallies = new Tally[categories];
    }

    private struct Tally
    {
        public double Iou;
        public long Hits, FalseAlarms, Misses;
    }

    private readonly record struct Region(PanopticSegment Segment, long Area);

    /// <summary>Adds an image: two maps of segment ids, one entry per pixel in the same order, and what the ids mean.</summary>
    /// <exception cref="ArgumentException">The maps differ in size, hold an id that is not described, or a description is wrong (id 0 or used
    /// twice, unknown category, crowd in the prediction). Nothing is added then.</exception>
    public void Add(ReadOnlySpan<int> truthMap, ReadOnlySpan<PanopticSegment> truth, ReadOnlySpan<int> predictedMap, ReadOnlySpan<PanopticSegment> predicted)
    {
        if (truthMap.Length != predictedMap.Length)
            throw new ArgumentException($"the maps have {truthMap.Length} and {predictedMap.Length} pixels", nameof(predictedMap));
        foreach (var segment in predicted)
            if (segment.IsCrowd) throw new ArgumentException($"segment {segment.Id} of the prediction is a crowd", nameof(predicted));
        var overlaps = CountPairs(truthMap, predictedMap);
        var truths = Regions(truth, overlaps, pair => pair.Truth, "truth");
        var guesses = Regions(predicted, overlaps, pair => pair.Predicted, "prediction");

        var matched = new HashSet<(bool IsTruth, int Id)>();
        foreach (var (pair, pixels) in overlaps)
        {
            if (!truths.TryGetValue(pair.Truth, out var t) || !guesses.TryGetValue(pair.Predicted, out var p)) continue;
            if (t.Segment.IsCrowd || t.Segment.Category != p.Segment.Category) continue;
            double iou = (double)pixels / (t.Area + p.Area - pixels - overlaps.GetValueOrDefault((Void, pair.Predicted)));
            if (iou <= 0.5) continue;
            ref var tally = ref _tallies[t.Segment.Category];
            tally.Hits++;
            tally.Iou += iou;
            matched.Add((true, pair.Truth));
            matched.Add((false, pair.Predicted));
        }
        foreach (var (id, t) in truths)
            if (!t.Segment.IsCrowd && !matched.Contains((true, id))) _tallies[t.Segment.Category].Misses++;
        foreach (var (id, p) in guesses)
        {
            if (matched.Contains((false, id))) continue;
            long forgiven = overlaps.GetValueOrDefault((Void, id));
            foreach (var (other, t) in truths)
                if (t.Segment.IsCrowd && t.Segment.Category == p.Segment.Category) forgiven += overlaps.GetValueOrDefault((other, id));
            if (forgiven <= 0.5 * p.Area) _tallies[p.Segment.Category].FalseAlarms++;
        }
    }

    /// <summary>Quality of one category.</summary>
    public PanopticScore Of(int category)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)category, (uint)_tallies.Length, nameof(category));
        var tally = _tallies[category];
        double weight = tally.Hits + 0.5 * (tally.FalseAlarms + tally.Misses);
        if (weight == 0) return new PanopticScore(double.NaN, double.NaN, double.NaN);
        return new PanopticScore(tally.Iou / weight, tally.Hits == 0 ? 0 : tally.Iou / tally.Hits, tally.Hits / weight);
    }

    /// <summary>Mean over those of <paramref name="categories"/> that occurred, by default over all: pass the indexes of the countable ones
    /// for "things", the others for "stuff".</summary>
    public PanopticScore Mean(IEnumerable<int>? categories = null)
    {
        var scores = (categories ?? Enumerable.Range(0, _tallies.Length)).Select(Of).Where(s => !double.IsNaN(s.Pq)).ToArray();
        if (scores.Length == 0) return new PanopticScore(double.NaN, double.NaN, double.NaN);
        return new PanopticScore(scores.Average(s => s.Pq), scores.Average(s => s.Sq), scores.Average(s => s.Rq));
    }

    // Pixels by (truth, prediction), in the order of the ids, so that sums over them are always added in one order. Neighbours mostly
    // belong to the same pair, so runs are counted before the table is asked.
    private static SortedDictionary<(int Truth, int Predicted), long> CountPairs(ReadOnlySpan<int> truth, ReadOnlySpan<int> predicted)
    {
        var pairs = new SortedDictionary<(int Truth, int Predicted), long>();
        int start = 0;
        for (int i = 1; i <= truth.Length; i++)
        {
            if (i < truth.Length && truth[i] == truth[start] && predicted[i] == predicted[start]) continue;
            var pair = (truth[start], predicted[start]);
            pairs[pair] = pairs.GetValueOrDefault(pair) + i - start;
            start = i;
        }
        return pairs;
    }

    private SortedDictionary<int, Region> Regions(ReadOnlySpan<PanopticSegment> segments, SortedDictionary<(int Truth, int Predicted), long> overlaps, Func<(int Truth, int Predicted), int> side, string what)
    {
        var regions = new SortedDictionary<int, Region>();
        foreach (var segment in segments)
        {
            if (segment.Id == Void || !regions.TryAdd(segment.Id, new Region(segment, 0)))
                throw new ArgumentException($"{what}: segment id {segment.Id} is void or occurs twice");
            if ((uint)segment.Category >= (uint)_tallies.Length)
                throw new ArgumentException($"{what}: segment {segment.Id} has category {segment.Category} of {_tallies.Length}");
        }
        foreach (var (pair, pixels) in overlaps)
        {
            int id = side(pair);
            if (id == Void) continue;
            if (!regions.TryGetValue(id, out var region)) throw new ArgumentException($"{what}: the map holds segment {id}, which is not described");
            regions[id] = region with { Area = region.Area + pixels };
        }
        foreach (var (id, region) in regions)
            if (region.Area == 0) throw new ArgumentException($"{what}: segment {id} has no pixel");
        return regions;
    }
}
