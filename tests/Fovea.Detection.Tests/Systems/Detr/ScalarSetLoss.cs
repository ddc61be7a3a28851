namespace Fovea.Detection.Tests.Systems.Detr;

/// <summary>DETR's loss in double, number by number, with the best of all matchings found by trying each.</summary>
internal static class ScalarSetLoss
{
    public static (double Classes, double Boxes, double Giou) Of(
        float[] logits, float[] boxes, float[] targetBoxes, int[] targetClasses, int queries, int places, int classes, int size)
    {
        double nll = 0, weights = 0, distance = 0, giou = 0;
        var objects = 0;
        var images = targetClasses.Length / places;
        for (var b = 0; b < images; b++)
        {
            var count = 0;
            while (count < places && targetClasses[b * places + count] >= 0) count++;
            objects += count;
            double[][] predicted = [.. Enumerable.Range(0, queries).Select(q => Doubles(boxes, (b * queries + q) * 4))];
            double[][] wanted = [.. Enumerable.Range(0, count).Select(m => Shares(Doubles(targetBoxes, (b * places + m) * 4), size))];
            double[][] probabilities = [.. Enumerable.Range(0, queries).Select(q => Softmax(logits.AsSpan((b * queries + q) * (classes + 1), classes + 1)))];
            var best = Best(count, queries, (m, q) =>
                -probabilities[q][targetClasses[b * places + m]] + 5 * L1(predicted[q], wanted[m]) - 2 * Giou(predicted[q], wanted[m]));
            for (var q = 0; q < queries; q++)
            {
                var m = Array.IndexOf(best, q);
                var weight = m < 0 ? 0.1 : 1;
                nll -= weight * Math.Log(probabilities[q][m < 0 ? classes : targetClasses[b * places + m]]);
                weights += weight;
                if (m < 0) continue;
                distance += L1(predicted[q], wanted[m]);
                giou += 1 - Giou(predicted[q], wanted[m]);
            }
        }
        return (nll / weights, 5 * distance / Math.Max(1, objects), 2 * giou / Math.Max(1, objects));
    }

    // The query of each object, by depth-first search over all.
    private static int[] Best(int objects, int queries, Func<int, int, double> cost)
    {
        var (current, best, least) = (new int[objects], new int[objects], double.PositiveInfinity);
        void Try(int m, double sum)
        {
            if (m == objects)
            {
                if (sum < least) (least, best) = (sum, (int[])current.Clone());
                return;
            }
            for (var q = 0; q < queries; q++)
            {
                if (Array.IndexOf(current, q, 0, m) >= 0) continue;
                current[m] = q;
                Try(m + 1, sum + cost(m, q));
            }
        }
        Try(0, 0);
        return best;
    }

    private static double L1(double[] a, double[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Sum();

    private static double Giou(double[] a, double[] b)
    {
        var (p, t) = (Edges(a), Edges(b));
        double Overlap(int axis) => Math.Max(0, Math.Min(p[axis + 2], t[axis + 2]) - Math.Max(p[axis], t[axis]));
        double Hull(int axis) => Math.Max(p[axis + 2], t[axis + 2]) - Math.Min(p[axis], t[axis]);
        var common = Overlap(0) * Overlap(1);
        var (all, hull) = (a[2] * a[3] + b[2] * b[3] - common, Hull(0) * Hull(1));
        return common / all - (hull - all) / hull;
    }

    private static double[] Edges(double[] b) => [b[0] - b[2] / 2, b[1] - b[3] / 2, b[0] + b[2] / 2, b[1] + b[3] / 2];

    private static double[] Shares(double[] b, int size) => [(b[0] + b[2]) / 2 / size, (b[1] + b[3]) / 2 / size, (b[2] - b[0]) / size, (b[3] - b[1]) / size];

    private static double[] Doubles(float[] values, int start) => [.. values.Skip(start).Take(4).Select(v => (double)v)];

    private static double[] Softmax(ReadOnlySpan<float> logits)
    {
        var e = new double[logits.Length];
        for (var i = 0; i < e.Length; i++) e[i] = Math.Exp(logits[i]);
        var sum = e.Sum();
        return [.. e.Select(v => v / sum)];
    }
}
