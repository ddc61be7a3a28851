using Fovea.Bench.Workloads;

namespace Fovea.Bench.Families;

/// <summary>Every family of rows, in the order of the report. A new one is one more line here and a workload that builds Fovea's
/// side; peers that know the workload join by themselves.</summary>
public static class FamilyCatalog
{
    public static IReadOnlyList<Family> All { get; } =
    [
        new("conv", "convolutions with bias and ReLU", ConvRows.Dense),
        new("depthwise", "depthwise convolutions", ConvRows.Depthwise),
        new("separable", "depthwise and pointwise convolution in one call", ConvRows.Separable),
        new("attention", "scaled dot-product attention, full, causal and decoding", Attention),
        new("scan", "selective scan", () => [new ScanWorkload(1024, 1536, 16)]),
        new("rwkv", "a token of text by RWKV-4", () => [new RwkvWorkload(256, 6), new RwkvWorkload(512, 8)]),
        new("decode", "a token of text by a Transformer decoder with cached keys and values, by Mamba and by Mamba-2", Decode),
        new("recurrent", "LSTM and GRU over a sequence and over one step", Recurrent),
        new("nms", "non-maximum suppression, greedy and its variants", Nms),
        new("gemm", "dense layers, f32 and narrow weights", Gemm),
        new("norm", "layer normalisation", () => [Rows(RowOperation.LayerNorm, 4096, 768), Rows(RowOperation.LayerNorm, 128, 768)]),
        new("softmax", "softmax over rows", () => [Rows(RowOperation.Softmax, 4096, 1024), Rows(RowOperation.Softmax, 1024, 128)]),
        new("gelu", "GELU by erf and by tanh", Gelu),
        new("records", "TFRecord files and tf.Examples", Records),
        new("replay", "what a captured call costs besides its arithmetic", () => [new ReplayWorkload(1), new ReplayWorkload(33)]),
        new("chain", "equal layers in a row as one captured graph", NetworkRows.Chains),
        new("network", "whole networks as one captured graph", NetworkRows.All),
        new("training", "loss and gradients of a residual network, with everything kept and in a byte budget",
            () => [new TrainingStepWorkload(48, 512, 96), new TrainingStepWorkload(48, 512, 96, 24 << 20)]),
        new("sweep", "cost curves over odd sizes", SweepRows.All) { IsSweep = true },
        new("contention", "two threads while something else computes on one core", SweepRows.Contention) { Setting = Setting.BusyCore },
    ];

    /// <summary>The families of these names, in the order of the report; all of them for no name.</summary>
    /// <exception cref="ArgumentException">A name is unknown.</exception>
    public static IReadOnlyList<Family> Select(IReadOnlyCollection<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        string? unknown = names.FirstOrDefault(name => All.All(f => f.Name != name));
        if (unknown is not null)
            throw new ArgumentException($"There is no family '{unknown}'. Known: {string.Join(", ", All.Select(f => f.Name))}.", nameof(names));
        return names.Count == 0 ? All : [.. All.Where(f => names.Contains(f.Name))];
    }

    private static IEnumerable<Workload> Attention() =>
    [
        new AttentionWorkload(8, 128, 128, 64),
        new AttentionWorkload(8, 128, 128, 64, causal: true),
        new AttentionWorkload(12, 384, 384, 64),
        new AttentionWorkload(8, 1024, 1024, 64),
        new AttentionWorkload(8, 1024, 1024, 64, causal: true),
        new AttentionWorkload(8, 100, 1050, 32),
        new AttentionWorkload(8, 1050, 1050, 32),
        new AttentionWorkload(32, 1, 2048, 128),
        new AttentionWorkload(32, 2048, 2048, 128),
        new AttentionWorkload(32, 2048, 2048, 128, causal: true),
    ];

    // Two layers of Mamba have the weights of one of a decoder: all three models have 25 million.
    private static IEnumerable<Workload> Decode() =>
        [new DecoderWorkload(512, 8, 8, 128), new DecoderWorkload(512, 8, 8, 1024), new MambaWorkload(512, 16), new Mamba2Workload(512, 16)];

    private static IEnumerable<Workload> Recurrent() =>
        from cell in (RecurrentCell[])[RecurrentCell.Lstm, RecurrentCell.Gru] from length in (int[])[1, 128] select new RecurrentWorkload(cell, length, 256);

    private static IEnumerable<Workload> Nms() =>
    [
        .. from count in (int[])[1000, 8400, 25200] from limit in (int[])[0, 300] select new NmsWorkload(count, limit),
        .. from kind in Enum.GetValues<Suppression>() select new SuppressionWorkload(kind, 1000),
    ];

    private static IEnumerable<Workload> Gemm()
    {
        foreach (var (m, n, k) in ((int, int, int)[])[(64, 64, 64), (512, 512, 512), (197, 768, 768), (128, 3072, 768), (128, 768, 3072), (1024, 1024, 1024), (8, 4096, 4096), (1, 4096, 4096)])
            yield return new GemmWorkload(m, n, k);
        foreach (var format in (WeightFormat[])[WeightFormat.BFloat16, WeightFormat.Int8])
        {
            foreach (int m in (int[])[1, 8, 128]) yield return new GemmWorkload(m, m == 128 ? 3072 : 4096, m == 128 ? 768 : 4096, format);
        }
    }

    private static IEnumerable<Workload> Gelu() =>
        from rows in (int[])[128, 4096] from operation in (RowOperation[])[RowOperation.Gelu, RowOperation.GeluTanh] select Rows(operation, rows, 3072);

    private static IEnumerable<Workload> Records() =>
    [
        .. from bytes in (int[])[256, 4096, 1 << 18] select new ChecksumWorkload(bytes),
        .. from bytes in (int[])[100, 1000, 10_000] select new FramedReadWorkload(bytes),
        ExampleWorkload.Clicks(),
        ExampleWorkload.Tokens(),
    ];

    private static RowWorkload Rows(RowOperation operation, int rows, int columns) => new(operation, rows, columns);
}
