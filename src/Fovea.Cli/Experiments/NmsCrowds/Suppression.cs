using Fovea.Detection.Evaluation;

namespace Fovea.Cli.Experiments.NmsCrowds;

/// <summary>A variant of suppression.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="IsSoft">Whether it is one of the soft and matrix variants, which lower scores and drop nothing.</param>
/// <param name="Run">From boxes [N][4] and scores [N] to rows of a box and a score.</param>
internal sealed record Suppression(string Name, bool IsSoft, Func<DeviceStream, DeviceTensor, DeviceTensor, IReadOnlyList<(BoxXywh Box, float Score)>> Run)
{
    internal const string Greedy = "greedy", Diou = "DIoU", SoftLinear = "soft linear", SoftGaussian = "soft Gaussian", Cluster = "cluster", Weighted = "weighted";

    /// <summary>Hard variants at an IoU of 0.5, the others as their papers set them.</summary>
    internal static IReadOnlyList<Suppression> All { get; } =
    [
        Hard(Greedy, Overlap.Union),
        Hard(Diou, Overlap.Diou),
        Soft(SoftLinear, new SoftNmsOptions { Method = SoftNmsMethod.SoftLinear }),
        Soft(SoftGaussian, new SoftNmsOptions { Method = SoftNmsMethod.SoftGaussian }),
        Soft("matrix linear", new SoftNmsOptions { Method = SoftNmsMethod.MatrixLinear }),
        Soft("matrix Gaussian", new SoftNmsOptions { Method = SoftNmsMethod.MatrixGaussian, Sigma = 2 }),
        Soft(Cluster, new SoftNmsOptions { Method = SoftNmsMethod.Cluster, IouThreshold = 0.5f }, isSoft: false),
        Soft("cluster, penalty", new SoftNmsOptions { Method = SoftNmsMethod.ClusterSpm, IouThreshold = 0.5f, Sigma = 0.2f }, isSoft: false),
        new(Weighted, IsSoft: false, RunWeighted),
    ];

    private static Suppression Hard(string name, Overlap overlap) => new(name, IsSoft: false, (stream, boxes, scores) =>
    {
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, boxes.Shape[0]);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.Nms(stream, new NmsOptions { Overlap = overlap }, boxes, scores, null, null, keep, count);
        return Rows(stream, boxes, keep, i => scores.AsSpan<float>()[keep.AsSpan<int>()[i]], count);
    });

    private static Suppression Soft(string name, SoftNmsOptions options, bool isSoft = true) => new(name, isSoft, (stream, boxes, scores) =>
    {
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, boxes.Shape[0]);
        using var kept = DeviceTensor.Allocate(stream, DType.Float32, boxes.Shape[0]);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.SoftNms(stream, options, boxes, scores, null, null, keep, kept, count);
        return Rows(stream, boxes, keep, i => kept.AsSpan<float>()[i], count);
    });

    private static (BoxXywh, float)[] RunWeighted(DeviceStream stream, DeviceTensor boxes, DeviceTensor scores)
    {
        using var means = DeviceTensor.Allocate(stream, DType.Float32, boxes.Shape);
        using var best = DeviceTensor.Allocate(stream, DType.Float32, boxes.Shape[0]);
        using var count = DeviceTensor.Allocate(stream, DType.Int32, 1);
        Kernels.WeightedNms(stream, new WeightedNmsOptions { IouThreshold = 0.5f }, boxes, scores, null, null, means, best, null, count);
        return Rows(stream, means, null, i => best.AsSpan<float>()[i], count);
    }

    private static (BoxXywh, float)[] Rows(DeviceStream stream, DeviceTensor boxes, DeviceTensor? keep, Func<int, float> score, DeviceTensor count)
    {
        stream.Synchronize();
        var rows = new (BoxXywh, float)[count.AsSpan<int>()[0]];
        for (var i = 0; i < rows.Length; i++)
        {
            var b = boxes.AsSpan<float>().Slice(4 * (keep is null ? i : keep.AsSpan<int>()[i]), 4);
            rows[i] = (BoxXywh.FromCorners(b[0], b[1], b[2], b[3]), score(i));
        }
        return rows;
    }
}
