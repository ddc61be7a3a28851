namespace Fovea.Benchmarks.Latency;

/// <summary>Nearest-rank percentiles of a set of times in seconds; NaN when there are none.</summary>
internal readonly record struct Quantiles(double P50, double P99, double P999, int Count)
{
    public static Quantiles Of(IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return new Quantiles(At(sorted, 0.5), At(sorted, 0.99), At(sorted, 0.999), sorted.Length);
    }

    private static double At(double[] sorted, double p) => sorted.Length == 0 ? double.NaN : sorted[Math.Max(0, (int)Math.Ceiling(p * sorted.Length) - 1)];
}
