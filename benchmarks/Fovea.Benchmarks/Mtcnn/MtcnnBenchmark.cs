using System.Globalization;
using Fovea.Bench.Measure;
using Fovea.Bench.Output;
using Fovea.Bench.Peers.Ort;
using Fovea.Data;
using Fovea.Detection;
using Microsoft.ML.OnnxRuntime;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>Fovea's MTCNN against the same cascade on ONNX Runtime: the same image, pyramid, weights and thresholds, calls interleaved
/// in one process.</summary>
internal static class MtcnnBenchmark
{
    // Two detectors that agree on a face differ by rounding in sums of thousands of terms, far less than this.
    private const double LeastIou = 0.95;

    private const int MaxFaces = 512;

    /// <param name="imagePath">Image to look at, or null for the sample photo that <c>build/models.sh</c> brings.</param>
    /// <param name="maxSide">The image is shrunk to this many pixels on its longer side; 0 keeps it.</param>
    /// <param name="minFace">Side of the smallest face in pixels.</param>
    /// <param name="seconds">Seconds of timed calls of the slower side, per number of threads.</param>
    /// <param name="threads">Numbers of threads, 1 and 2 at most.</param>
    /// <param name="batch">Crops per call of the peer's R-Net and O-Net.</param>
    /// <param name="save">Whether to write the report to <c>benchmarks/results</c>.</param>
    /// <returns>Process exit code.</returns>
    public static int Run(string? imagePath, int maxSide, int minFace, double seconds, int[] threads, int batch, bool save)
    {
        var store = new ModelStore();
        var image = SampleImage.Load(store, imagePath, maxSide);
        OrtThreads.Configure();
        var report = new Report();
        report.Line("# MTCNN: Fovea against ONNX Runtime");
        report.Line();
        string bound = seconds.ToString(CultureInfo.InvariantCulture);
        report.Facts([
            .. Machine.Describe(),
            $"Fovea: {FoveaRuntime.Active}; peer: ONNX Runtime {OrtEnv.Instance().GetVersionString()}, all graph optimisations, bound buffers, batches of {batch}, shared spinning thread pool",
            $"Image: {(imagePath is null ? "sample1.jpg" : Path.GetFileName(imagePath))}, {image.Width}x{image.Height}, faces from {minFace} pixels",
            $"Command: dotnet run -c Release --project benchmarks/Fovea.Benchmarks -- mtcnn --max-side {maxSide} --min-face {minFace} --seconds {bound}",
        ]);
        using var model = MtcnnModel.Load(Device.Cpu, store);
        foreach (int count in threads)
        {
            if (!Compare(report, model, store, image, minFace, seconds, count, batch)) return 1;
        }

        report.Facts([
            "Accepted: calls between two FMA bursts of at least 94 % of the peak, whose thread had at least 96 % of the wall time, and during which no thread of the process was pushed off a core. \"all\" leaves nothing out.",
            "\"networks and glue\": the peer's time without copying, pyramid, crops and the change to NCHW. Fovea's kernels make its pyramid and crops, so the first two rows differ in networks, glue and NCHW only. Fovea's own time always includes everything.",
            "Percentiles are nearest ranks: with fewer than 1000 calls p99.9 is the slowest one.",
        ]);
        report.Line($"Load average at the end: {Machine.Load()}");
        if (save) Console.WriteLine("saved " + report.Save("mtcnn.md"));
        return 0;
    }

    private static bool Compare(Report report, MtcnnModel model, ModelStore store, RgbImage image, int minFace, double seconds, int threads, int batch)
    {
        var options = new MtcnnOptions { MinFace = minFace, Convention = MtcnnConvention.Facenet, Resampling = ResizeMode.Area };
        using var session = new MtcnnSession(model, options, new DeviceStreamOptions { MaxThreads = threads });
        double[] scales = ImagePyramid.Scales(image.Width, image.Height, minFace, 12, options.Factor);
        using var peer = new OrtMtcnn(store, image.Width, image.Height, scales, new PeerOptions { Threads = threads, Batch = batch });

        var ours = new FaceDetection[MaxFaces];
        var theirs = new PeerFace[MaxFaces];
        int found = session.Detect(image.Pixels.Span, image.Width, image.Height, ours);
        int foundByPeer = peer.Detect(image.Pixels.Span, theirs);
        if (!Agree(ours.AsSpan(0, found), theirs.AsSpan(0, foundByPeer))) return false;

        var series = InterleavedRun.Measure(
            [
                new Contestant("Fovea", () => session.Detect(image.Pixels.Span, image.Width, image.Height, ours)),
                new Contestant("ONNX Runtime", () => peer.Detect(image.Pixels.Span, theirs)) { NotCounted = () => peer.PreprocessingTicks },
            ],
            new MeasurePlan
            {
                Peak = FmaBurst.Peak(),
                Seconds = seconds,
                Wanted = int.MaxValue,
                Most = int.MaxValue,
                SampleSeconds = 0,
                WarmUpSeconds = Math.Min(2, seconds),
                HasWorkers = threads > 1,
            });
        Print(report, threads, scales.Length, found, series[0], series[1]);
        return true;
    }

    private static void Print(Report report, int threads, int levels, int faces, Series ours, Series theirs)
    {
        report.Line($"## {threads} thread{(threads == 1 ? "" : "s")}, {levels} levels, both find the same {faces} faces");
        report.Line();
        Quantiles a = ours.Accepted, b = theirs.Accepted, counted = theirs.Counted;
        report.Table(
            ["ms per image", "p50", "p99", "p99.9", "p50 all", "p99 all", "p99.9 all", "accepted / all", "bytes per call"],
            [
                Row("Fovea", a, ours.All, ours.AllocatedBytes),
                Row("ONNX Runtime", b, theirs.All, theirs.AllocatedBytes),
                ["ONNX Runtime, networks and glue", Report.Milliseconds(counted.P50), Report.Milliseconds(counted.P99), Report.Milliseconds(counted.P999), "", "", "", "", ""],
            ]);
        report.Facts([
            $"Fovea is {Ratio(b.P50 / a.P50)}x as fast at p50 ({Ratio(counted.P50 / a.P50)}x without the peer's preprocessing), {Ratio(b.P99 / a.P99)}x at p99. Expected: at least 2x. {Verdict(b.P50 / a.P50, ratio => ratio >= 2)}",
            $"Bytes per call {ours.AllocatedBytes} against {theirs.AllocatedBytes}. Expected: 0. {Verdict(ours.AllocatedBytes, bytes => bytes == 0)}",
            $"p99.9 is {Ratio(a.P999 / a.P50)}x our p50. Expected on a quiet core: at most 2x. {Verdict(a.P999 / a.P50, ratio => ratio <= 2)}",
        ]);
    }

    private static string[] Row(string name, Quantiles accepted, Quantiles all, long bytes) =>
    [
        name, Report.Milliseconds(accepted.P50), Report.Milliseconds(accepted.P99), Report.Milliseconds(accepted.P999),
        Report.Milliseconds(all.P50), Report.Milliseconds(all.P99), Report.Milliseconds(all.P999),
        $"{accepted.Count} / {all.Count}", bytes.ToString(CultureInfo.InvariantCulture),
    ];

    private static string Ratio(double value) => double.IsNaN(value) ? "?" : value.ToString("F2", CultureInfo.InvariantCulture);

    private static string Verdict(double value, Func<double, bool> isReached) =>
        double.IsNaN(value) ? "NOT MEASURED: no undisturbed calls." : isReached(value) ? "Reached." : "NOT REACHED.";

    /// <summary>Whether both found the same faces; says what differs if not.</summary>
    private static bool Agree(ReadOnlySpan<FaceDetection> ours, ReadOnlySpan<PeerFace> theirs)
    {
        bool agree = ours.Length == theirs.Length;
        double worst = 1;
        foreach (var face in ours)
        {
            double best = 0;
            foreach (var other in theirs) best = Math.Max(best, Iou(face, other));
            worst = Math.Min(worst, best);
        }

        agree &= worst >= LeastIou;
        Console.Error.WriteLine(FormattableString.Invariant($"{ours.Length} faces against the peer's {theirs.Length}, least IoU {worst:F5}"));
        if (agree) return true;
        foreach (var f in ours) Console.Error.WriteLine(FormattableString.Invariant($"  Fovea {f.X1:F1} {f.Y1:F1} {f.X2:F1} {f.Y2:F1} {f.Score:F4}"));
        foreach (var f in theirs) Console.Error.WriteLine(FormattableString.Invariant($"  peer  {f.X1:F1} {f.Y1:F1} {f.X2:F1} {f.Y2:F1} {f.Score:F4}"));
        Console.Error.WriteLine("The two sides do not find the same faces; nothing was timed.");
        return false;
    }

    private static double Iou(in FaceDetection a, in PeerFace b)
    {
        double w = Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1), h = Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1);
        double inter = Math.Max(0, w) * Math.Max(0, h);
        return inter / ((a.X2 - a.X1) * (a.Y2 - a.Y1) + (b.X2 - b.X1) * (b.Y2 - b.Y1) - inter);
    }
}
