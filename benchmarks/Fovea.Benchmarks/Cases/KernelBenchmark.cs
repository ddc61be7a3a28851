using System.Diagnostics;
using System.Globalization;
using Fovea.Bench.Measure;
using Fovea.Bench.Output;
using Fovea.Tests.Cases;

namespace Fovea.Benchmarks.Cases;

/// <summary>A row per case of the test table: time of a captured call, rates, the share of what the machine could do at most, and
/// managed bytes of the eager call.</summary>
internal static class KernelBenchmark
{
    // Replays per sample are chosen so that one lasts at least this long.
    private const double SampleSeconds = 200e-6;

    private const int Wanted = 25, Most = 100;

    /// <param name="filter">Only cases whose name contains this, or null for all.</param>
    /// <param name="threads">Threads per call.</param>
    /// <param name="save">Whether to write the table to <c>benchmarks/results</c>.</param>
    /// <returns>Process exit code.</returns>
    public static int Run(string? filter, int threads, bool save)
    {
        var cases = All().Where(c => filter is null || c.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (cases.Length == 0)
        {
            Console.Error.WriteLine($"No case has '{filter}' in its name.");
            return 1;
        }

        double peak = FmaBurst.Peak();
        var copies = new MemoryRate();
        var report = new Report();
        report.Line("# Kernels");
        report.Line();
        report.Facts([
            .. Machine.Describe(),
            $"Fovea: {FoveaRuntime.Active}, {threads} thread{(threads == 1 ? "" : "s")}",
            string.Create(CultureInfo.InvariantCulture, $"FMA peak of one thread: {peak:F1} GFLOP/s; memcpy of 8 KiB / 256 KiB / 64 MiB: {copies.Copy(16 << 10):F1} / {copies.Copy(512 << 10):F1} / {copies.Copy(128 << 20):F1} GB/s"),
            "Time: median of captured replays between two undisturbed FMA bursts. % copy: of a memcpy that touches as many bytes on one thread. Shapes are those of the tests, mostly small on purpose.",
        ]);
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = threads });
        report.Table(
            ["case", "us", "GFLOP/s", "% FMA", "GB/s", "% copy", "bytes per replay", "bytes per eager call", "samples"],
            [.. cases.Select(c => Row(c, stream, peak, threads, copies))]);
        if (save) Console.WriteLine("saved " + report.Save(threads == 1 ? "kernels.md" : $"kernels-{threads}-threads.md"));
        return 0;
    }

    private static IEnumerable<KernelCase> All() =>
        from type in typeof(KernelBenchmark).Assembly.GetTypes()
        where type.IsClass && typeof(IKernelCases).IsAssignableFrom(type)
        orderby type.Name
        from kernelCase in ((IKernelCases)Activator.CreateInstance(type)!).Cases
        select kernelCase;

    private static string[] Row(KernelCase kernelCase, DeviceStream stream, double peak, int threads, MemoryRate copies)
    {
        using var run = kernelCase.Build(stream);
        long eagerBytes = LeastAllocation(() => run.Call(stream));
        CapturedGraph graph;
        using (var capture = stream.BeginCapture())
        {
            run.Call(stream);
            graph = capture.End();
        }

        using (graph)
        {
            long replayBytes = LeastAllocation(() => graph.Replay(stream));
            var (seconds, accepted, taken) = Median(graph, stream, peak);
            double flops = kernelCase.Flops / seconds * 1e-9, bytes = kernelCase.Bytes / seconds * 1e-9;
            return
            [
                kernelCase.Name, Number(seconds * 1e6, 2),
                Rate(flops), Percent(flops / (peak * threads)),
                Rate(bytes), kernelCase.Bytes == 0 ? "-" : Percent(bytes / copies.Copy(kernelCase.Bytes)),
                Number(replayBytes, 0), Number(eagerBytes, 0), $"{accepted}/{taken}",
            ];
        }
    }

    private static (double Seconds, int Accepted, int Taken) Median(CapturedGraph graph, DeviceStream stream, double peak)
    {
        int repeats = 1;
        while (Time(graph, stream, repeats) * repeats < SampleSeconds && repeats < 1 << 20) repeats *= 2;
        List<double> accepted = [], all = [];
        while (accepted.Count < Wanted && all.Count < Most)
        {
            double before = FmaBurst.Measure(), seconds = Time(graph, stream, repeats), after = FmaBurst.Measure();
            all.Add(seconds);
            if (Math.Min(before, after) >= 0.94 * peak) accepted.Add(seconds);
        }

        // On a machine that is never quiet the smallest of all samples is the best guess.
        return (accepted.Count > 0 ? Quantiles.Of(accepted).P50 : all.Min(), accepted.Count, all.Count);
    }

    private static double Time(CapturedGraph graph, DeviceStream stream, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++) graph.Replay(stream);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }

    // The smallest of several calls: the runtime itself allocates now and then.
    private static long LeastAllocation(Action call)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 8; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            call();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static string Rate(double value) => value == 0 ? "-" : Number(value, 1);

    private static string Percent(double share) => share == 0 ? "-" : Number(100 * share, 0);

    private static string Number(double value, int digits) => value.ToString("F" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
