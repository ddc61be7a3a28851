using Fovea.Bench.Families;
using Fovea.Bench.Measure;
using Fovea.Bench.Output;
using Fovea.Bench.Peers;
using Fovea.Bench.Workloads;

namespace Fovea.Bench;

/// <summary>Measures the rows of families, one workload after the other; contestants of a workload take turns.</summary>
public sealed class BenchRun
{
    private readonly BenchOptions _options;
    private readonly IReadOnlyList<IPeer> _peers;
    private readonly Action<string> _note;

    /// <param name="options">What to measure.</param>
    /// <param name="peers">Made by <see cref="PeerLoader"/>; none to measure Fovea alone.</param>
    /// <param name="note">Told what the reader of the table should know.</param>
    public BenchRun(BenchOptions options, IReadOnlyList<IPeer> peers, Action<string> note)
    {
        (_options, _peers, _note) = (options, peers, note);
        Limits = new MachineLimits(options.Threads);
    }

    public MachineLimits Limits { get; }

    /// <summary>Measures as it is enumerated. A workload gives a row per contestant of a peer, or one row without.</summary>
    public IEnumerable<BenchRow> Rows(Family family)
    {
        foreach (var workload in family.Rows())
        {
            if (_options.Filter is { } filter && !workload.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
            foreach (var row in Measure(workload, family)) yield return row;
        }
    }

    private BenchRow[] Measure(Workload workload, Family family)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = Threads(workload) });
        using var single = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        List<Contestant> contestants = [];
        try
        {
            contestants.Add(workload.CreateFovea(stream));
            if (family.Setting == Setting.BusyCore) contestants.Add(workload.CreateFovea(single).Named(BenchTable.OwnSingleThread));
            // Curves are about our own steps; peers would make them take minutes.
            foreach (var peer in family.IsSweep ? [] : _peers) AddPeer(contestants, peer, workload);
            using var busy = family.Setting == Setting.BusyCore ? new BusyCore() : null;
            var plan = Plan(workload, family);
            var series = InterleavedRun.Measure(contestants, plan);
            // p99.9 is a nearest rank: it wants a thousand calls, one per sample.
            var tail = plan with { Wanted = _options.Quick ? 100 : 1000, Most = _options.Quick ? 120 : 1300, Seconds = _options.Quick ? 0.5 : 18, SampleSeconds = 0 };
            return Report(workload, contestants, series, workload.WantsTail ? InterleavedRun.Measure([contestants[0]], tail)[0].Accepted : null);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DeviceException { Status: Status.Unsupported })
        {
            _note($"{workload.Family} {workload.Name}: {e.Message}");
            return [];
        }
        finally
        {
            foreach (var contestant in contestants) contestant.Dispose();
        }
    }

    private void AddPeer(List<Contestant> contestants, IPeer peer, Workload workload)
    {
        try
        {
            foreach (var contestant in peer.Create(workload, Threads(workload))) contestants.Add(contestant);
        }
#pragma warning disable CA1031 // A peer that refuses a workload takes nothing from the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _note($"{workload.Family} {workload.Name}: {peer.Name}: {e.Message.Split('\n')[0]}");
        }
    }

    private MeasurePlan Plan(Workload workload, Family family)
    {
        var plan = new MeasurePlan
        {
            Peak = Limits.PeakOfOneThread,
            Gated = family.Setting == Setting.Quiet,
            HasWorkers = Threads(workload) > 1,
            BusyThreads = family.Setting == Setting.BusyCore ? 1 : 0,
        };
        if (_options.Quick) return plan with { Wanted = 5, Most = 12, Seconds = 0.15, Least = 1, WarmUpSeconds = 0.03, SampleSeconds = 200e-6 };
        return family.IsSweep ? plan with { Wanted = 9, Most = 40, Seconds = 0.3, WarmUpSeconds = 0.03 } : plan;
    }

    private BenchRow[] Report(Workload workload, List<Contestant> contestants, Series[] series, Quantiles? tail)
    {
        var results = contestants.ConvertAll(c => c.Read?.Invoke());
        var reference = workload.Reference() ?? Sample(results.Skip(1).FirstOrDefault(r => r is not null));
        double?[] errors = [.. results.Select(r => r is null ? null : reference?.MaxRelativeError(r))];
        for (int i = 0; i < contestants.Count; i++)
        {
            if (errors[i] is { } error && !(error <= workload.Tolerance))
                _note(FormattableString.Invariant($"{workload.Family} {workload.Name}: {contestants[i].Name} differs from the reference by {error:G3}"));
        }

        var alone = Row(workload, series[0], errors[0], tail);
        if (contestants.Count == 1) return [alone];
        return [.. contestants.Skip(1).Select((peer, i) => alone with
        {
            Peer = peer.Name,
            PeerMicroseconds = 1e6 * series[i + 1].Seconds,
            Ratio = series[i + 1].Seconds / series[0].Seconds,
            Detail = alone.Detail with { IsKernelAlone = peer.IsKernelAlone, PeerError = errors[i + 1] },
        })];
    }

    private BenchRow Row(Workload workload, Series ours, double? error, Quantiles? tail)
    {
        double seconds = ours.Seconds, bytes = workload.BytesRead + workload.BytesWritten;
        double least = Limits.LeastSeconds(workload.Flops, workload.BytesRead, workload.BytesWritten);
        return new BenchRow
        {
            Family = workload.Family,
            Workload = workload.Name,
            Backend = Device.Cpu.Type.ToString().ToLowerInvariant(),
            Isa = FoveaRuntime.Active.ToString().ToLowerInvariant(),
            Threads = Threads(workload),
            Microseconds = 1e6 * seconds,
            Spread = ours.Accepted is { Count: > 0 } accepted ? accepted.Spread : null,
            Gflops = workload.Flops == 0 ? null : 1e-9 * workload.Flops / seconds,
            Gbytes = bytes == 0 ? null : 1e-9 * bytes / seconds,
            // The limits were measured with as many threads as the run was told.
            PercentOfLimit = least == 0 || Threads(workload) != Limits.Threads ? null : 100 * least / seconds,
            MaxRelativeError = error is { } e && double.IsFinite(e) ? e : null,
            AllocatedBytes = ours.AllocatedBytes,
            Detail = new RowDetail(ours.Accepted, ours.All.Count, false, workload.Flops / bytes, tail, null),
        };
    }

    private int Threads(Workload workload) => workload.Threads ?? _options.Threads;

    private static ReferenceSample? Sample(float[]? result) =>
        result is null ? null : ReferenceSample.Take(result.Length, 1000, i => result[i]);
}
