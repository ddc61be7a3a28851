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

    /// <summary>Managed bytes per call: the median over all samples. Now and then the runtime itself allocates, for example when it
    /// compiles a method again.</summary>
    public long AllocatedBytes => samples.Select(s => s.AllocatedBytes).Order().ElementAtOrDefault(samples.Count / 2);

    private bool IsQuiet(Sample sample) => sample.Burst >= LeastBurst * peak && sample.CpuShare >= LeastCpuShare && sample.Pushed == 0;
}
