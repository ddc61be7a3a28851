using System.Globalization;

namespace Fovea.Bench.Output;

/// <summary>The points of a sweep, named <c>curve: value</c>: how much the cost of one unit of work changes from point to point.</summary>
public static class CostCurve
{
    /// <summary>A sentence per curve.</summary>
    public static IEnumerable<string> Describe(IReadOnlyList<BenchRow> rows) =>
        from curve in rows.GroupBy(row => row.Workload.Split(": ")[0])
        let worst = Worst([.. curve])
        where worst is not null
        select string.Create(CultureInfo.InvariantCulture, $"{curve.Key}: the steepest step is {worst.Value.Ratio:F2}x per unit of work, {worst.Value.From} to {worst.Value.To}");

    /// <summary>The largest ratio of cost per unit of work between neighbours, in either direction; null for less than two points.</summary>
    public static (double Ratio, string From, string To)? Worst(IReadOnlyList<BenchRow> curve)
    {
        (double Ratio, string From, string To)? worst = null;
        for (int i = 1; i < curve.Count; i++)
        {
            double step = Cost(curve[i]) / Cost(curve[i - 1]), ratio = Math.Max(step, 1 / step);
            if (worst is null || ratio > worst.Value.Ratio) worst = (ratio, Value(curve[i - 1]), Value(curve[i]));
        }

        return worst;
    }

    private static string Value(BenchRow row) => row.Workload.Split(": ")[^1];

    // Rates are work per second; where arithmetic is counted it is the work, else bytes are.
    private static double Cost(BenchRow row) => 1 / (row.Gflops ?? row.Gbytes ?? double.NaN);
}
