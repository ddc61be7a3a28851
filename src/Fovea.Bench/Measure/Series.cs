namespace Fovea.Bench.Measure;

/// <summary>All samples of one contestant and which of them count: those taken while the machine belonged to us.</summary>
public sealed class Series(string name, IReadOnlyList<Sample> samples, double peak, bool gated = true)
{
    public string Name => name;

    /// <summary>Undisturbed samples, or all of them where the run was not gated.</summary>
    public Quantiles Accepted => Quantiles.Of(samples.Where(Counts).Select(s => s.Seconds));

    /// <summary>Every sample, whatever else ran.</summary>
    public Quantiles All => Quantiles.Of(samples.Select(s => s.Seconds));

    /// <summary>Undisturbed samples without the part that the contestant does not count.</summary>
    public Quantiles Counted => Quantiles.Of(samples.Where(Counts).Select(s => s.CountedSeconds));

    /// <summary>The median of the undisturbed samples; on a machine that was never quiet, the fastest of all.</summary>
    public double Seconds => Accepted is { Count: > 0 } accepted ? accepted.P50 : All.Min;

    /// <summary>Managed bytes per call: the median over all samples. Now and then the runtime itself allocates, for example when it
    /// compiles a method again.</summary>
    public long AllocatedBytes => samples.Select(s => s.AllocatedBytes).Order().ElementAtOrDefault(samples.Count / 2);

    private bool Counts(Sample sample) => !gated || sample.IsQuiet(peak);
}
