using System.Runtime.InteropServices;

namespace Fovea.Detection.Evaluation;

/// <summary>What became of the detections of one category, for every range of sizes and threshold at once.</summary>
internal sealed class CategoryMatches(EvaluationOptions options)
{
    private enum Outcome : byte { Miss, Hit, Ignored }

    private readonly int _thresholds = options.IouThresholds.Count;
    private readonly int[] _positives = new int[options.Sizes.Count];

    // One entry per detection in the order of images and, within an image, of ranks; outcomes as [detection][size][threshold].
    private readonly List<double> _scores = [];
    private readonly List<int> _ranks = [];
    private readonly List<Outcome> _outcomes = [];

    // Per object of the current image: overlap with the current detection; [size][object]; [size][threshold][object].
    private double[] _overlaps = [];
    private bool[] _ignored = [];
    private bool[] _taken = [];

    public void Clear()
    {
        Array.Clear(_positives);
        _scores.Clear();
        _ranks.Clear();
        _outcomes.Clear();
    }

    /// <summary>Matches the detections of one image, ordered by falling score, with its objects.</summary>
    public void AddImage(ReadOnlySpan<AnnotatedObject> objects, ReadOnlySpan<ScoredBox> detections)
    {
        StartImage(objects);
        int count = Math.Min(detections.Length, options.MaxDetections[^1]);
        for (int rank = 0; rank < count; rank++)
        {
            var box = detections[rank].Box;
            for (int g = 0; g < objects.Length; g++)
                _overlaps[g] = objects[g].IsCrowd ? box.CoveredBy(objects[g].Box) : box.Iou(objects[g].Box, options.PlusOne);
            _scores.Add(detections[rank].Score);
            _ranks.Add(rank);
            for (int s = 0; s < _positives.Length; s++)
            {
                var unmatched = options.Sizes[s].Contains(box, box.Area) ? Outcome.Miss : Outcome.Ignored;
                for (int t = 0; t < _thresholds; t++) _outcomes.Add(Match(objects, s, t) ?? unmatched);
            }
        }
    }

    /// <summary>Writes average precision and recall of the category for each size, limit and threshold; where there is no object of a
    /// size, the result keeps its NaN.</summary>
    public void Score(EvaluationResult result, int category)
    {
        int[] order = [.. Enumerable.Range(0, _scores.Count)];
        order.AsSpan().Sort((a, b) => _scores[b].CompareTo(_scores[a]) is var byScore and not 0 ? byScore : a.CompareTo(b));
        var outcomes = CollectionsMarshal.AsSpan(_outcomes);
        var hits = new bool[order.Length];
        for (int s = 0; s < _positives.Length; s++)
        {
            if (_positives[s] == 0) continue;
            for (int m = 0; m < options.MaxDetections.Count; m++)
            {
                for (int t = 0; t < _thresholds; t++)
                {
                    int counted = 0;
                    foreach (int i in order)
                    {
                        var outcome = outcomes[(i * _positives.Length + s) * _thresholds + t];
                        if (_ranks[i] < options.MaxDetections[m] && outcome != Outcome.Ignored) hits[counted++] = outcome == Outcome.Hit;
                    }
                    var ranking = hits.AsSpan(0, counted);
                    result.Set(s, m, t, category, AveragePrecision.Of(ranking, _positives[s], options.Interpolation),
                        (double)ranking.Count(true) / _positives[s]);
                }
            }
        }
    }

    private void StartImage(ReadOnlySpan<AnnotatedObject> objects)
    {
        int n = objects.Length;
        if (_overlaps.Length < n)
        {
            _overlaps = new double[n];
            _ignored = new bool[_positives.Length * n];
            _taken = new bool[_positives.Length * _thresholds * n];
        }
        _taken.AsSpan(0, _positives.Length * _thresholds * n).Clear();
        for (int s = 0; s < _positives.Length; s++)
        {
            for (int g = 0; g < n; g++)
            {
                bool ignored = objects[g].IsIgnored || objects[g].IsCrowd || !options.Sizes[s].Contains(objects[g].Box, objects[g].Area);
                _ignored[s * n + g] = ignored;
                if (!ignored) _positives[s]++;
            }
        }
    }

    private Outcome? Match(ReadOnlySpan<AnnotatedObject> objects, int size, int threshold)
    {
        int n = objects.Length;
        var ignored = _ignored.AsSpan(size * n, n);
        var taken = _taken.AsSpan((size * _thresholds + threshold) * n, n);
        double least = options.IouThresholds[threshold];
        int match = options.Rule == MatchRule.BestOnly ? BestOverlap(n, least) : BestFree(objects, ignored, taken, least);
        if (match < 0) return null;
        if (ignored[match]) { taken[match] = true; return Outcome.Ignored; }
        if (taken[match]) return Outcome.Miss;
        taken[match] = true;
        return Outcome.Hit;
    }

    private int BestOverlap(int count, double least)
    {
        int best = -1;
        for (int g = 0; g < count; g++)
            if (_overlaps[g] >= least && (best < 0 || _overlaps[g] > _overlaps[best])) best = g;
        return best;
    }

    // First among the objects that count, then among the ignored ones. An object ignored only for its size can be found once; crowds
    // and those marked as ignored any number of times. Equal overlaps: the last object wins, as in the official tool.
    private int BestFree(ReadOnlySpan<AnnotatedObject> objects, ReadOnlySpan<bool> ignored, ReadOnlySpan<bool> taken, double least)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            // The official tool's bound lets an overlap of 1 minus rounding pass a threshold of 1.
            double best = Math.Min(least, 1 - 1e-10);
            int match = -1;
            for (int g = 0; g < objects.Length; g++)
            {
                if (_overlaps[g] < best || ignored[g] != (pass == 1)) continue;
                if (taken[g] && !objects[g].IsCrowd && !objects[g].IsIgnored) continue;
                best = _overlaps[g];
                match = g;
            }
            if (match >= 0) return match;
        }
        return -1;
    }
}
