namespace Fovea.Detection.Assignment;

/// <summary>The assignment of YOLOX (Ge et al., 2021): every object takes the cells that are cheapest for it, as many as their overlaps
/// suggest.</summary>
/// <remarks>Candidates are cells whose middle is less than 1.5 strides from an object's centre on both axes, as in release 0.3. An object
/// wants k cells: the sum of its ten largest overlaps with candidates, rounded down, at least 1. A cell that several objects want goes to the
/// one it is cheapest for. Equal costs: the lower index.</remarks>
internal static class SimOta
{
    private const double CentreRadius = 1.5, OverlapWeight = 3, FarCost = 1e6, MostLogLoss = 100; // what PyTorch clamps logarithms to
    private const int Overlaps = 10;

    /// <summary>Assigns the cells of one image.</summary>
    /// <param name="classes">Logits [N][C].</param>
    /// <param name="objectness">Logits [N].</param>
    /// <param name="boxes">Predicted boxes [N][4], x1 y1 x2 y2.</param>
    /// <param name="cells">[N][3]: column, row, stride.</param>
    /// <param name="truths">Objects [M][4], x1 y1 x2 y2.</param>
    /// <param name="labels">Their classes [M].</param>
    /// <param name="matched">[N]: the object of each cell, or -1.</param>
    /// <param name="overlaps">[N]: its IoU with the predicted box, or 0.</param>
    public static void Assign(ReadOnlySpan<float> classes, ReadOnlySpan<float> objectness, ReadOnlySpan<float> boxes, ReadOnlySpan<float> cells,
        ReadOnlySpan<float> truths, ReadOnlySpan<int> labels, Span<int> matched, Span<float> overlaps)
    {
        matched.Fill(-1);
        overlaps.Clear();
        var candidates = Candidates(cells, truths, labels.Length);
        var (count, classCount) = (candidates.Count, objectness.IsEmpty ? 0 : classes.Length / objectness.Length);
        if (count == 0) return;
        var (cost, iou) = (new double[labels.Length, count], new double[labels.Length, count]);
        for (var k = 0; k < count; k++)
        {
            var cell = candidates[k];
            var logits = classes.Slice(cell * classCount, classCount);
            var objectProbability = Sigmoid(objectness[cell]);
            // The cross-entropy where no class is the right one; the right one's part is exchanged below.
            var absent = 0.0;
            foreach (var logit in logits) absent += LogLoss(1 - Math.Sqrt(Sigmoid(logit) * objectProbability));
            for (var m = 0; m < labels.Length; m++)
            {
                var truth = truths.Slice(4 * m, 4);
                var p = Math.Sqrt(Sigmoid(logits[labels[m]]) * objectProbability);
                iou[m, k] = BoxOverlap.Iou(boxes.Slice(4 * cell, 4), truth);
                cost[m, k] = absent - LogLoss(1 - p) + LogLoss(p) - OverlapWeight * Math.Log(iou[m, k] + 1e-8)
                    + (IsNear(cells.Slice(3 * cell, 3), truth) ? 0 : FarCost);
            }
        }
        var wants = new bool[labels.Length, count];
        for (var m = 0; m < labels.Length; m++)
            foreach (var k in Cheapest(m, cost, iou)) wants[m, k] = true;
        for (var k = 0; k < count; k++)
        {
            var (takers, cheapest, last) = (0, 0, -1);
            for (var m = 0; m < labels.Length; m++)
            {
                if (wants[m, k]) (takers, last) = (takers + 1, m);
                if (cost[m, k] < cost[cheapest, k]) cheapest = m;
            }
            if (takers == 0) continue;
            var winner = takers == 1 ? last : cheapest;
            (matched[candidates[k]], overlaps[candidates[k]]) = (winner, (float)iou[winner, k]);
        }
    }

    private static List<int> Candidates(ReadOnlySpan<float> cells, ReadOnlySpan<float> truths, int count)
    {
        var candidates = new List<int>();
        for (var cell = 0; cell < cells.Length / 3; cell++)
        {
            var isNear = false;
            for (var m = 0; m < count && !isNear; m++) isNear = IsNear(cells.Slice(3 * cell, 3), truths.Slice(4 * m, 4));
            if (isNear) candidates.Add(cell);
        }
        return candidates;
    }

    private static IEnumerable<int> Cheapest(int m, double[,] cost, double[,] iou)
    {
        var all = Enumerable.Range(0, cost.GetLength(1));
        var wanted = (int)all.Select(k => iou[m, k]).OrderDescending().Take(Overlaps).Sum();
        // A cost that is no number comes last; equal costs stay in the order of their cells.
        return all.OrderBy(k => double.IsNaN(cost[m, k]) ? double.PositiveInfinity : cost[m, k]).Take(Math.Max(1, wanted));
    }

    private static bool IsNear(ReadOnlySpan<float> cell, ReadOnlySpan<float> truth)
    {
        var radius = CentreRadius * cell[2];
        return Math.Abs((cell[0] + 0.5) * cell[2] - ((double)truth[0] + truth[2]) / 2) < radius
            && Math.Abs((cell[1] + 0.5) * cell[2] - ((double)truth[1] + truth[3]) / 2) < radius;
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double LogLoss(double probability) => Math.Min(-Math.Log(probability), MostLogLoss);
}
