using System.Globalization;

namespace Fovea.Bench.Output;

/// <summary>Rows as cells of text: one line per workload with the best lone operator and the best kernel alone among the peers.</summary>
public static class BenchTable
{
    /// <summary>The contestant that stands for Fovea itself on one thread where the row has several.</summary>
    public const string OwnSingleThread = "Fovea, 1 thread";

    /// <summary>Heads of the columns; without peers the middle ones are left out.</summary>
    public static IReadOnlyList<string> Head(bool peers) =>
        ["workload", "us", "spread", "GFLOP/s", "GB/s", "% limit", .. peers ? (string[])["best peer", "us", "ratio", "kernel alone us", "ratio"] : [], "max error", "bytes", "samples"];

    /// <summary>The cells of one workload.</summary>
    /// <param name="rows">Its rows: one per contestant of a peer.</param>
    /// <param name="peers">Whether the columns of peers are there.</param>
    public static string[] Cells(IReadOnlyList<BenchRow> rows, bool peers)
    {
        var row = rows[0];
        var lone = rows.Where(r => r.Peer is not null and not OwnSingleThread && !r.Detail.IsKernelAlone).MinBy(r => r.PeerMicroseconds);
        var kernel = rows.Where(r => r.Detail.IsKernelAlone).MinBy(r => r.PeerMicroseconds);
        return
        [
            row.Workload, Microseconds(row.Microseconds), Percent(100 * row.Spread), Number(row.Gflops, "F1"), Number(row.Gbytes, "F1"), Percent(row.PercentOfLimit),
            .. peers ? (string[])[lone?.Peer ?? "-", Microseconds(lone?.PeerMicroseconds), Ratio(lone?.Ratio), Microseconds(kernel?.PeerMicroseconds), Ratio(kernel?.Ratio)] : [],
            Number(row.MaxRelativeError, "0.0E+0"), row.AllocatedBytes.ToString(CultureInfo.InvariantCulture), $"{row.Detail.Accepted.Count}/{row.Detail.Taken}",
        ];
    }

    /// <summary>A sentence about the tail of a row that wants one, or null.</summary>
    public static string? Tail(BenchRow row) => row.Detail.Tail is not { Count: > 0 } q ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"{row.Workload}: p50 {1e6 * q.P50:F0} us, p99 {1e6 * q.P99:F0} us, p99.9 {1e6 * q.P999:F0} us ({q.P999 / q.P50:F2}x) of {q.Count} calls, {row.AllocatedBytes} bytes");

    /// <summary>A sentence that compares a row of several threads with one thread of Fovea, or null.</summary>
    public static string? AgainstOneThread(BenchRow row) => row.Peer != OwnSingleThread ? null : string.Create(
        CultureInfo.InvariantCulture, $"{row.Workload}: {1 / row.Ratio:F2}x of Fovea's own time on one thread, {row.PeerMicroseconds:F0} us");

    private static string Microseconds(double? value) => Number(value, value switch { < 10 => "F2", < 1000 => "F1", _ => "F0" });

    private static string Ratio(double? value) => value is null ? "-" : Number(value, "F2") + "x";

    private static string Percent(double? value) => value is null ? "-" : Number(value, "F0") + "%";

    private static string Number(double? value, string format) => value is { } v && double.IsFinite(v) ? v.ToString(format, CultureInfo.InvariantCulture) : "-";
}
