using Fovea.Bench.Workloads;

namespace Fovea.Bench.Families;

/// <summary>Cost curves over sizes that are not multiples of a tile. A row is named <c>curve: value</c>.</summary>
internal static class SweepRows
{
    private const string Name = "sweep";

    private static readonly int[] Channels = [8, 12, 16, 20, 24, 31, 32, 33, 40, 47, 48, 49, 56, 63, 64, 65, 72, 80, 95, 96, 97, 112, 127, 128, 129, 160, 192, 255, 256, 257];
    private static readonly int[] Sides = [6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 19, 20, 21, 24, 27, 28, 29, 31, 32, 33, 40, 55, 56, 57, 63, 64, 65, 80];
    private static readonly int[] Lengths = [16, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 192, 255, 256, 257, 384, 511, 512, 513];
    private static readonly int[] Rows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128];
    private static readonly int[] Boxes = [64, 100, 128, 129, 200, 256, 257, 300, 400, 512, 700, 1000, 1024, 1025, 1500, 2000, 2048, 3000, 4096, 5000, 8192, 8400];

    public static IEnumerable<Workload> All() =>
    [
        .. Channels.Select(c => Conv($"3x3 C->C @28, C: {c}", new ConvShape(c, c, 28, 28, 3, 1, 1))),
        .. Channels.Select(c => Conv($"1x1 C->C @28, C: {c}", new ConvShape(c, c, 28, 28, 1))),
        .. Channels.Select(c => Conv($"depthwise 3x3 @28, C: {c}", new ConvShape(c, c, 28, 28, 3, 1, 1, Groups: c))),
        .. Sides.Select(s => Conv($"3x3 64->64, side: {s}", new ConvShape(64, 64, s, s, 3, 1, 1))),
        .. Sides.Select(s => Conv($"3x3 s2 32->64, side: {s}", new ConvShape(32, 64, s, s, 3, 2, 1))),
        .. Lengths.Select(n => new AttentionWorkload(8, n, n, 64) { Family = Name, Name = $"attention H8 D64, length: {n}" }),
        .. Lengths.Select(n => new AttentionWorkload(8, n, n, 64, causal: true) { Family = Name, Name = $"causal attention H8 D64, length: {n}" }),
        .. Lengths.Select(n => new ScanWorkload(n, 256, 16) { Family = Name, Name = $"scan D256 N16, length: {n}" }),
        .. Rows.Select(m => new GemmWorkload(m, 768, 768) { Family = Name, Name = $"gemm Mx768x768, M: {m}" }),
        .. Boxes.Select(n => new NmsWorkload(n, Math.Min(n, 300)) { Family = Name, Name = $"nms at most 300, boxes: {n}" }),
        .. Enumerable.Range(1, Environment.ProcessorCount).Select(t =>
            new ConvWorkload(Name, $"3x3 128->128 @80, threads: {t}", new ConvShape(128, 128, 80, 80, 3, 1, 1)) { Threads = t }),
    ];

    /// <summary>Two threads while another thread computes on one of the two cores.</summary>
    public static IEnumerable<Workload> Contention() =>
    [
        Contended("3x3 64->64 @56", new ConvShape(64, 64, 56, 56, 3, 1, 1)),
        Contended("3x3 128->128 @80", new ConvShape(128, 128, 80, 80, 3, 1, 1)),
        Contended("1x1 256->64 @56", new ConvShape(256, 64, 56, 56, 1)),
        new AttentionWorkload(12, 384, 384, 64) { Family = "contention", Threads = 2 },
        new GemmWorkload(197, 768, 768) { Family = "contention", Threads = 2 },
    ];

    private static ConvWorkload Conv(string name, ConvShape shape) => new(Name, name, shape);

    private static ConvWorkload Contended(string name, ConvShape shape) => new("contention", name, shape) { Threads = 2 };
}
