using System.Runtime.InteropServices;

namespace Fovea.Detection.Assignment;

/// <summary>Adaptive training sample selection (Zhang, Chi, Yao, Lei, Li, "Bridging the Gap Between Anchor-based and Anchor-free Detection",
/// 2020): every box draws its own line between positive and negative cells. In each level the cells nearest to the box's centre are
/// candidates; those are positive whose anchor, a square around the cell's point, overlaps the box at least as much as mean plus standard
/// deviation of all candidates do, and whose point lies inside the box. A cell that several boxes claim goes to the one that its anchor
/// overlaps most, then to the first.</summary>
public sealed record AtssAssigner : CellAssigner
{
    private const double Margin = 0.01; // pixels that the point must be away from each side

    /// <summary>k, candidates of a box in each level; all cells of a level that has fewer.</summary>
    public int Candidates { get; init; } = 9;

    /// <summary>Side of an anchor, in strides.</summary>
    public float AnchorScale { get; init; } = 8;

    /// <summary>Mean plus standard deviation (with n - 1, which gives 0 for a single overlap) of the overlaps of a box's candidates. The mean
    /// of equal numbers is that number, without rounding.</summary>
    public static double Threshold(ReadOnlySpan<double> overlaps)
    {
        if (overlaps.IsEmpty) return 0;
        double sum = 0, squares = 0;
        foreach (var overlap in overlaps) sum += overlap - overlaps[0];
        var mean = overlaps[0] + sum / overlaps.Length;
        foreach (var overlap in overlaps) squares += (overlap - mean) * (overlap - mean);
        return mean + Math.Sqrt(squares / Math.Max(1, overlaps.Length - 1));
    }

    /// <inheritdoc/>
    protected override void AssignCells(ReadOnlySpan<float> cells, ReadOnlySpan<float> boxes, Span<int> assigned)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Candidates, 1);
        var best = new double[assigned.Length];
        var (candidates, overlaps) = (new List<int>(), new List<double>());
        for (var i = 0; i < boxes.Length / 4; i++)
        {
            var box = boxes.Slice(4 * i, 4);
            candidates.Clear();
            overlaps.Clear();
            for (int begin = 0, end; begin < assigned.Length; begin = end)
            {
                for (end = begin; end < assigned.Length && cells[3 * end + 2] == cells[3 * begin + 2];) end++;
                AddNearest(cells, box, begin, end, candidates);
            }
            foreach (var cell in candidates) overlaps.Add(Overlap(cells.Slice(3 * cell, 3), box));
            var threshold = Threshold(CollectionsMarshal.AsSpan(overlaps));
            for (var k = 0; k < candidates.Count; k++)
            {
                var cell = candidates[k];
                var (l, t, r, b) = Distances(cells.Slice(3 * cell, 3), box);
                if (!(overlaps[k] >= threshold) || !(Math.Min(Math.Min(l, t), Math.Min(r, b)) > Margin)) continue;
                if (assigned[cell] >= 0 && overlaps[k] <= best[cell]) continue;
                (assigned[cell], best[cell]) = (i, overlaps[k]);
            }
        }
    }

    // The k cells of [begin, end) nearest to the box's centre, the first on ties, by insertion.
    private void AddNearest(ReadOnlySpan<float> cells, ReadOnlySpan<float> box, int begin, int end, List<int> nearest)
    {
        var first = nearest.Count;
        for (var cell = begin; cell < end; cell++)
        {
            var distance = SquaredDistance(cells, cell, box);
            var at = nearest.Count;
            while (at > first && distance < SquaredDistance(cells, nearest[at - 1], box)) at--;
            if (at - first >= Candidates) continue;
            nearest.Insert(at, cell);
            if (nearest.Count - first > Candidates) nearest.RemoveAt(nearest.Count - 1);
        }
    }

    private static double SquaredDistance(ReadOnlySpan<float> cells, int cell, ReadOnlySpan<float> box)
    {
        var x = cells[3 * cell] - ((double)box[0] + box[2]) / 2;
        var y = cells[3 * cell + 1] - ((double)box[1] + box[3]) / 2;
        return x * x + y * y;
    }

    private double Overlap(ReadOnlySpan<float> cell, ReadOnlySpan<float> box)
    {
        var half = (double)AnchorScale * cell[2] / 2;
        var width = Math.Min(cell[0] + half, box[2]) - Math.Max(cell[0] - half, box[0]);
        var height = Math.Min(cell[1] + half, box[3]) - Math.Max(cell[1] - half, box[1]);
        if (!(width > 0 && height > 0)) return 0;
        return width * height / (4 * half * half + ((double)box[2] - box[0]) * ((double)box[3] - box[1]) - width * height);
    }
}
