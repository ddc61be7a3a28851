using System.Globalization;
using Fovea.Bench.Measure;

namespace Fovea.Bench.Output;

/// <summary>A whole run: facts about the machine, sections, and the Markdown of both.</summary>
public sealed class BenchReport(MachineLimits limits, IReadOnlyList<string> peers)
{
    private readonly List<BenchSection> _sections = [];
    private readonly string[] _facts =
    [
        .. Machine.Describe(),
        $"Fovea: {FoveaRuntime.Active.ToString().ToLowerInvariant()}, {limits.Threads} thread{(limits.Threads == 1 ? "" : "s")}; peers: {(peers.Count == 0 ? "none" : string.Join(", ", peers))}",
        string.Create(CultureInfo.InvariantCulture, $"FMA peak of one thread: {limits.PeakOfOneThread:F1} GFLOP/s; memcpy touching 32 KiB / 512 KiB / 8 MiB / 256 MiB: {Copy(limits, 32 << 10):F0} / {Copy(limits, 512 << 10):F0} / {Copy(limits, 8 << 20):F0} / {Copy(limits, 256 << 20):F0} GB/s"),
        .. peers.Count > 0 && FoveaRuntime.Active < FoveaRuntime.Detected
            ? (string[])[$"Peers use the widest instructions of this processor: ONNX Runtime cannot be held to fewer. So ratios compare Fovea's {FoveaRuntime.Active.ToString().ToLowerInvariant()} with a peer's {FoveaRuntime.Detected.ToString().ToLowerInvariant()}."]
            : [],
    ];

    private string _load = "";

    public MachineLimits Limits => limits;

    public IReadOnlyList<string> Facts => _facts;

    public IReadOnlyList<BenchRow> Rows => [.. _sections.SelectMany(section => section.Rows)];

    /// <summary>The report's name among the results of a machine.</summary>
    public string FileName => "bench" + (FoveaRuntime.Active == FoveaRuntime.Detected ? "" : "-" + FoveaRuntime.Active.ToString().ToLowerInvariant())
        + (limits.Threads == 1 ? "" : $"-{limits.Threads}-threads") + ".md";

    public void Add(BenchSection section) => _sections.Add(section);

    /// <summary>Notes the load at the end, which tells whether the run had the machine for itself.</summary>
    public void End() => _load = Machine.Load();

    public string Markdown()
    {
        var text = new Report(echo: false);
        text.Line("# Kernels" + (peers.Count == 0 ? "" : " and peers"));
        text.Line();
        text.Facts([
            .. _facts, $"Load average at the end: {_load}",
            "us: median of captured calls between two undisturbed FMA bursts; spread: from the 10th to the 90th percentile. % limit: of the time that the direct computation would need at the f32 FMA peak or at the measured memory rate, whichever is slower; Winograd and narrow weights can exceed 100.",
            "best peer: the fastest way of a peer to run the operator alone, with the layouts its users have. kernel alone: its kernel inside a network, by its own profiler. ratio: the peer's time over Fovea's. max error: against double precision, relative to the largest magnitude.",
        ]);
        foreach (var section in _sections)
        {
            text.Line("## " + section.Title);
            text.Line();
            text.Table(BenchTable.Head(peers.Count > 0), section.Table(peers.Count > 0));
            if (section.Lines.Any()) text.Facts(section.Lines);
        }

        return text.ToString();
    }

    private static double Copy(MachineLimits limits, long bytes) => limits.Rate(bytes / 2, bytes / 2);
}
