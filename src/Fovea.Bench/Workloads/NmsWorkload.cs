using Fovea.Bench.Measure;

namespace Fovea.Bench.Workloads;

/// <summary>Greedy suppression at IoU 0.5 of boxes of which 70 % lie in clusters, as a detector gives them.</summary>
public sealed class NmsWorkload(int count, int limit = 0) : Workload("nms", $"{count} boxes{(limit > 0 ? $", at most {limit}" : "")}")
{
    public const float Threshold = 0.5f;

    private (float[] Boxes, float[] Scores)? _data;

    public int Count => count;

    /// <summary>Most boxes that are kept.</summary>
    public int Limit => limit > 0 ? limit : count;

    // How many comparisons a good algorithm needs depends on the data: no nominal count.
    public override double Flops => 0;

    public override double BytesRead => 20.0 * count;

    public override double BytesWritten => 4.0 * Limit;

    /// <summary>[N][4] as x1 y1 x2 y2.</summary>
    public float[] Boxes => Data.Boxes;

    public float[] Scores => Data.Scores;

    private (float[] Boxes, float[] Scores) Data => _data ??= Make(count);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var options = new NmsOptions { IouThreshold = Threshold, MaxPerClass = limit };
        var boxes = DeviceTensor.From<float>(stream, Boxes, count, 4);
        var scores = DeviceTensor.From<float>(stream, Scores, count);
        var keep = DeviceTensor.Allocate(stream, DType.Int32, Limit);
        var found = DeviceTensor.Allocate(stream, DType.Int32, 1);
        var call = FoveaContestant.Capture(stream, keep, () => Kernels.Nms(stream, options, boxes, scores, null, null, keep, found), boxes, scores, found);
        return new Contestant(call.Name, call.Call) { Read = () => [.. keep.ToArray<int>(stream).Select(i => (float)i)], Owned = [call] };
    }

    /// <summary>The kept indices by the plain greedy loop, -1 behind them.</summary>
    public override ReferenceSample Reference()
    {
        var order = Enumerable.Range(0, count).OrderByDescending(i => Scores[i]).ToArray();
        var keep = new List<int>();
        foreach (int i in order)
        {
            if (keep.Count == Limit) break;
            if (!keep.Any(k => Iou(k, i) > Threshold)) keep.Add(i);
        }

        double[] values = [.. keep.Select(i => (double)i), .. Enumerable.Repeat(-1.0, Limit - keep.Count)];
        return new ReferenceSample([.. Enumerable.Range(0, Limit)], values);
    }

    private float Iou(int a, int b)
    {
        var p = Boxes.AsSpan(4 * a, 4);
        var q = Boxes.AsSpan(4 * b, 4);
        float w = MathF.Max(0, MathF.Min(p[2], q[2]) - MathF.Max(p[0], q[0])), h = MathF.Max(0, MathF.Min(p[3], q[3]) - MathF.Max(p[1], q[1]));
        return w * h / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - w * h);
    }

    internal static (float[] Boxes, float[] Scores) Make(int count)
    {
        var random = new Random(3);
        double Gauss() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());
        var clusters = Enumerable.Range(0, Math.Max(10, count / 70))
            .Select(_ => (X: random.NextDouble() * 640, Y: random.NextDouble() * 640, W: 20 + 100 * random.NextDouble(), H: 20 + 100 * random.NextDouble())).ToArray();
        float[] boxes = new float[4 * count], scores = new float[count];
        for (int i = 0; i < count; i++)
        {
            double x = random.NextDouble() * 640, y = random.NextDouble() * 640, w = 10 + 60 * random.NextDouble(), h = 10 + 60 * random.NextDouble();
            if (random.NextDouble() < 0.7)
            {
                var c = clusters[random.Next(clusters.Length)];
                (w, h) = (c.W * Math.Exp(0.1 * Gauss()), c.H * Math.Exp(0.1 * Gauss()));
                (x, y) = (c.X + 0.1 * c.W * Gauss(), c.Y + 0.1 * c.H * Gauss());
            }

            ReadOnlySpan<double> corners = [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
            for (int k = 0; k < 4; k++) boxes[4 * i + k] = (float)corners[k];
            scores[i] = random.NextSingle();
        }

        return (boxes, scores);
    }
}
