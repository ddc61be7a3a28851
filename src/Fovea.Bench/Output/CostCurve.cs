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
        select string.Create(CultureInfo.InvariantCulture, $"{curve.Key}: steepest step {worst.Value.Ratio:F2}x per unit of work, from {worst.Value.From} to {worst.Value.To}");

    /// <summary>The steepest step between neighbours, null for less than two points. A step is how much more the larger one costs per
    /// unit of work; or how much longer the smaller one takes, if it does. Falling cost per unit is no step: fixed costs spread.</summary>
    public static (double Ratio, string From, string To)? Worst(IReadOnlyList<BenchRow> curve)
    {
        (double Ratio, string From, string To)? worst = null;
        for (int i = 1; i < curve.Count; i++)
        {
            BenchRow small = curve[i - 1], large = curve[i];
            double time = large.Microseconds / small.Microseconds, work = Work(large) / Work(small);
            double step = work > 1 ? Math.Max(time / work, 1 / time) : time / work;
            if (worst is null || step > worst.Value.Ratio) worst = (step, Value(small), Value(large));
        }

        return worst;
    }

    private static string Value(BenchRow row) => row.Workload.Split(": ")[^1];

    // Operations where they are counted, else bytes.
    private static double Work(BenchRow row) => (row.Gflops ?? row.Gbytes ?? double.NaN) * row.Microseconds;
}
