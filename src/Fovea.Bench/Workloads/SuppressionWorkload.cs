using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>Suppression beyond the greedy one, of the boxes of <see cref="NmsWorkload"/>: at most 300 results.</summary>
public sealed class SuppressionWorkload(Suppression kind, int count) : Workload("nms", $"{Text(kind)}, {count} boxes, at most {Limit}")
{
    private const int Limit = 300;

    // How many comparisons a good algorithm needs depends on the data: no nominal count.
    public override double Flops => 0;

    public override double BytesRead => 20.0 * count;

    public override double BytesWritten => (kind is Suppression.Averaged or Suppression.Fusion ? 20.0 : 8.0) * Limit;

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var (values, marks) = NmsWorkload.Make(count);
        var boxes = DeviceTensor.From<float>(stream, values, count, 4);
        var scores = DeviceTensor.From<float>(stream, marks, count);
        var found = DeviceTensor.Allocate(stream, DType.Int32, 1);
        var results = DeviceTensor.Allocate(stream, DType.Float32, Limit);
        var others = kind is Suppression.Averaged or Suppression.Fusion
            ? DeviceTensor.Allocate(stream, DType.Float32, Limit, 4)
            : DeviceTensor.Allocate(stream, DType.Int32, Limit);
        var soft = new SoftNmsOptions { Method = Method(kind), IouThreshold = NmsWorkload.Threshold };
        var weighted = new WeightedNmsOptions { Method = kind == Suppression.Fusion ? WeightedNmsMethod.BoxFusion : WeightedNmsMethod.Weighted, IouThreshold = NmsWorkload.Threshold };
        Action enqueue = kind switch
        {
            Suppression.Averaged or Suppression.Fusion => () => Kernels.WeightedNms(stream, weighted, boxes, scores, null, null, others, results, null, found),
            Suppression.Guided => () => Kernels.GuidedNms(stream, new GuidedNmsOptions { IouThreshold = NmsWorkload.Threshold }, boxes, scores, scores, null, null, others, results, found),
            _ => () => Kernels.SoftNms(stream, soft, boxes, scores, null, null, others, results, found),
        };
        return FoveaContestant.Capture(stream, results, enqueue, boxes, scores, found, others);
    }

    private static SoftNmsMethod Method(Suppression kind) => kind switch
    {
        Suppression.Soft => SoftNmsMethod.SoftGaussian,
        Suppression.Matrix => SoftNmsMethod.MatrixGaussian,
        Suppression.Fast => SoftNmsMethod.Fast,
        Suppression.Penalty => SoftNmsMethod.ClusterSpm,
        _ => SoftNmsMethod.Cluster,
    };

    private static string Text(Suppression kind) => kind switch
    {
        Suppression.Penalty => "cluster with penalty",
        Suppression.Fusion => "box fusion",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
