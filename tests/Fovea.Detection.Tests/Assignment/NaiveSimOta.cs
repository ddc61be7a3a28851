namespace Fovea.Detection.Tests.Assignment;

/// <summary>SimOTA as matrices over all cells, each step of the publication for itself, in double.</summary>
internal static class NaiveSimOta
{
    /// <summary>Per cell the object or -1, and the overlap.</summary>
    public static (int[] Matched, double[] Overlaps) Assign(float[][] classes, float[] objectness, double[][] boxes, float[][] cells, float[][] truths, int[] labels)
    {
        var (n, m) = (cells.Length, truths.Length);
        var near = Table(m, n, (g, a) =>
            Math.Max(Math.Abs((cells[a][0] + 0.5) * cells[a][2] - (truths[g][0] + truths[g][2]) / 2.0), Math.Abs((cells[a][1] + 0.5) * cells[a][2] - (truths[g][1] + truths[g][3]) / 2.0)) < 1.5 * cells[a][2] ? 1 : 0);
        int[] candidates = [.. Enumerable.Range(0, n).Where(a => near.Any(row => row[a] > 0))];
        var iou = Table(m, n, (g, a) => Iou(boxes[a], truths[g]));
        var cost = Table(m, n, (g, a) =>
        {
            var crossEntropy = 0.0;
            for (var c = 0; c < classes[a].Length; c++)
            {
                var p = Math.Sqrt(1 / (1 + Math.Exp(-classes[a][c])) / (1 + Math.Exp(-objectness[a])));
                crossEntropy -= c == labels[g] ? Math.Log(p) : Math.Log(1 - p);
            }
            return crossEntropy - 3 * Math.Log(iou[g][a] + 1e-8) + 1e6 * (1 - near[g][a]);
        });
        var wants = Table(m, n, (_, _) => 0);
        for (var g = 0; g < m; g++)
        {
            var k = Math.Max(1, (int)candidates.Select(a => iou[g][a]).OrderDescending().Take(10).Sum());
            foreach (var a in candidates.OrderBy(a => cost[g][a]).ThenBy(a => a).Take(k)) wants[g][a] = 1;
        }
        var (matched, overlaps) = (Enumerable.Repeat(-1, n).ToArray(), new double[n]);
        foreach (var a in candidates)
        {
            int[] takers = [.. Enumerable.Range(0, m).Where(g => wants[g][a] > 0)];
            if (takers.Length == 0) continue;
            matched[a] = takers.Length == 1 ? takers[0] : Enumerable.Range(0, m).MinBy(g => cost[g][a]);
            overlaps[a] = iou[matched[a]][a];
        }
        return (matched, overlaps);
    }

    public static double Iou(double[] a, float[] b)
    {
        var overlap = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0])) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
        return overlap / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (double)(b[3] - b[1]) - overlap);
    }

    private static double[][] Table(int rows, int columns, Func<int, int, double> of) =>
        [.. Enumerable.Range(0, rows).Select(r => Enumerable.Range(0, columns).Select(c => of(r, c)).ToArray())];
}
