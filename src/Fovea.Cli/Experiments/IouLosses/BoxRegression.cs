namespace Fovea.Cli.Experiments.IouLosses;

/// <summary>How an anchor lies to its target.</summary>
internal enum StartKind
{
    /// <summary>Apart from it.</summary>
    Disjoint,

    /// <summary>One holds the other.</summary>
    Nested,

    /// <summary>They overlap otherwise.</summary>
    Overlapping,
}

/// <summary>The simulation of the DIoU paper: seven targets of area 1 and of aspect ratios from 1:4 to 4:1 around (10, 10); anchors of seven
/// areas and the same ratios at points spread evenly over a disc of radius 3 around them; each anchor goes to each target by gradient
/// descent on its centre and size.</summary>
internal sealed class BoxRegression : IDisposable
{
    private const double Centre = 10, Radius = 3;

    private static readonly double[] Ratios = [0.25, 1 / 3.0, 0.5, 1, 2, 3, 4];
    private static readonly double[] Areas = [0.5, 0.67, 0.75, 1, 1.33, 1.5, 2];

    private readonly DeviceStream _stream;
    private readonly float[] _anchors;
    private readonly DeviceTensor _boxes, _targets, _ones, _losses, _gradients;

    public BoxRegression(DeviceStream stream, int points, int seed)
    {
        _stream = stream;
        var random = new Random(seed);
        List<float> anchors = [], targets = [];
        for (var i = 0; i < points; i++)
        {
            var (radius, angle) = (Radius * Math.Sqrt(random.NextDouble()), 2 * Math.PI * random.NextDouble());
            foreach (var area in Areas)
                foreach (var ratio in Ratios)
                    foreach (var wanted in Ratios)
                    {
                        anchors.AddRange(Box(Centre + radius * Math.Cos(angle), Centre + radius * Math.Sin(angle), area, ratio));
                        targets.AddRange(Box(Centre, Centre, 1, wanted));
                    }
        }
        _anchors = [.. anchors];
        Count = anchors.Count / 4;
        _boxes = DeviceTensor.From<float>(stream, _anchors, Count, 4);
        _targets = DeviceTensor.From<float>(stream, targets.ToArray(), Count, 4);
        _ones = DeviceTensor.From<float>(stream, Enumerable.Repeat(1f, Count).ToArray(), Count);
        _losses = DeviceTensor.Allocate(stream, DType.Float32, Count);
        _gradients = DeviceTensor.Allocate(stream, DType.Float32, Count, 4);
        Kinds = [.. Enumerable.Range(0, Count).Select(KindOf)];
    }

    /// <summary>Pairs of an anchor and a target.</summary>
    public int Count { get; }

    /// <summary>How each pair begins.</summary>
    public IReadOnlyList<StartKind> Kinds { get; }

    /// <summary>|dx| + |dy| + |dw| + |dh| between a box and its target.</summary>
    public double Error(int pair)
    {
        var p = _boxes.AsSpan<float>().Slice(4 * pair, 4);
        var t = _targets.AsSpan<float>().Slice(4 * pair, 4);
        double error = 0;
        for (var axis = 0; axis < 2; axis++)
        {
            double low = p[axis] - t[axis], high = p[axis + 2] - t[axis + 2];
            error += Math.Abs(low + high) / 2 + Math.Abs(high - low);
        }
        return error;
    }

    /// <summary>Mean error of all pairs, or of those of a kind.</summary>
    public double MeanError(StartKind? kind = null)
    {
        var (sum, count) = (0.0, 0);
        for (var i = 0; i < Count; i++)
            if (kind is null || Kinds[i] == kind) (sum, count) = (sum + Error(i), count + 1);
        return sum / count;
    }

    /// <summary>Puts the anchors back.</summary>
    public void Reset() => _boxes.CopyFrom<float>(_stream, _anchors);

    /// <summary>One step: box -= rate * (2 - IoU) * gradient, the gradient by centre and size. The factor keeps the pull of boxes that fit
    /// badly, as in the paper.</summary>
    public void Step(Overlap overlap, float rate)
    {
        Kernels.BoxLoss(_stream, new BoxLossOptions { Overlap = Overlap.Union }, _boxes, _targets, _losses);
        Kernels.BoxLossBackward(_stream, new BoxLossOptions { Overlap = overlap }, _boxes, _targets, _ones, _gradients);
        var boxes = _boxes.AsSpan<float>();
        var gradients = _gradients.AsSpan<float>();
        var losses = _losses.AsSpan<float>();
        for (var i = 0; i < losses.Length; i++)
        {
            var pull = rate * (1 + losses[i]);
            for (var axis = 4 * i; axis < 4 * i + 2; axis++)
            {
                // By the centre: low + high; by the size: (high - low)/2, of which each edge moves by half.
                var (low, high) = (gradients[axis], gradients[axis + 2]);
                boxes[axis] -= pull * (1.25f * low + 0.75f * high);
                boxes[axis + 2] -= pull * (0.75f * low + 1.25f * high);
            }
        }
    }

    public void Dispose()
    {
        foreach (var tensor in new[] { _boxes, _targets, _ones, _losses, _gradients }) tensor.Dispose();
    }

    private static float[] Box(double x, double y, double area, double ratio)
    {
        var (w, h) = (Math.Sqrt(area * ratio), Math.Sqrt(area / ratio));
        return [(float)(x - w / 2), (float)(y - h / 2), (float)(x + w / 2), (float)(y + h / 2)];
    }

    private StartKind KindOf(int pair)
    {
        var a = _anchors.AsSpan(4 * pair, 4);
        var t = _targets.AsSpan<float>().Slice(4 * pair, 4);
        if (a[0] >= t[2] || t[0] >= a[2] || a[1] >= t[3] || t[1] >= a[3]) return StartKind.Disjoint;
        return Holds(a, t) || Holds(t, a) ? StartKind.Nested : StartKind.Overlapping;
    }

    private static bool Holds(ReadOnlySpan<float> outer, ReadOnlySpan<float> inner) =>
        outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}
