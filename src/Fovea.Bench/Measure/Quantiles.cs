namespace Fovea.Bench.Measure;

/// <summary>Nearest-rank percentiles of a set of times in seconds; NaN when there are none.</summary>
public readonly record struct Quantiles(double Min, double P10, double P50, double P90, double P99, double P999, int Count)
{
    /// <summary>From the 10th to the 90th percentile, as a share of the median.</summary>
    public double Spread => (P90 - P10) / P50;

    public static Quantiles Of(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return new Quantiles(At(sorted, 0), At(sorted, 0.1), At(sorted, 0.5), At(sorted, 0.9), At(sorted, 0.99), At(sorted, 0.999), sorted.Length);
    }

    private static double At(double[] sorted, double p) => sorted.Length == 0 ? double.NaN : sorted[Math.Max(0, (int)Math.Ceiling(p * sorted.Length) - 1)];
}
