namespace Fovea.Benchmarks.Latency;

/// <summary>All samples of one contestant and which of them count: those taken while the machine belonged to us.</summary>
internal sealed class Series(string name, IReadOnlyList<Sample> samples, double peak)
{
    // The bounds of the protocol: what a burst and a thread lose to a neighbour shows well below them.
    private const double LeastBurst = 0.94, LeastCpuShare = 0.96;

    public string Name => name;

    /// <summary>Undisturbed samples.</summary>
    public Quantiles Accepted => Quantiles.Of(samples.Where(IsQuiet).Select(s => s.Seconds));

    /// <summary>Every sample, whatever else ran.</summary>
    public Quantiles All => Quantiles.Of(samples.Select(s => s.Seconds));

    /// <summary>Undisturbed samples without the part that the contestant does not count.</summary>
    public Quantiles Counted => Quantiles.Of(samples.Where(IsQuiet).Select(s => s.CountedSeconds));

    /// <summary>Mean managed bytes per call, over all samples.</summary>
    public double AllocatedBytes => samples.Count == 0 ? double.NaN : samples.Average(s => (double)s.AllocatedBytes);

    private bool IsQuiet(Sample sample) => sample.Burst >= LeastBurst * peak && sample.CpuShare >= LeastCpuShare && sample.Pushed == 0;
}
