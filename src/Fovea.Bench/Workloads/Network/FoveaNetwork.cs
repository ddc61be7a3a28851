namespace Fovea.Bench.Workloads.Network;

/// <summary>The layers of a <see cref="NetworkWorkload"/> with their packed weights.</summary>
internal sealed class FoveaNetwork(DeviceStream stream, NetworkWorkload workload) : IDisposable
{
    private readonly Dictionary<string, Constants> _constants =
        workload.Steps.Where(step => step is ConvStep or SeparableStep).ToDictionary(step => step.Output, step => Pack(stream, step));

    // Maps that are added to something with more channels live in the front channels of a wider one, whose zeros nobody overwrites:
    // they are no part of the arena, where buffers overlap.
    private readonly Dictionary<string, DeviceTensor> _wide = workload.Steps.Select(step => step.Output)
        .Where(map => workload.ResidualChannels(map) > workload.Shapes[map].Channels)
        .ToDictionary(map => map, map => Zeros(stream, workload.Shapes[map] with { Channels = workload.ResidualChannels(map) }));

    // Where a map lies inside another one; these are no part of the arena either.
    private readonly Dictionary<string, (DeviceTensor Whole, int Start)> _parts = Parts(stream, workload);

    /// <summary>Enqueues every layer. Each intermediate is freed behind its last reader, so that in a captured graph buffers overlap
    /// by liveness.</summary>
    public void Enqueue(DeviceTensor x, IReadOnlyDictionary<string, DeviceTensor> outputs)
    {
        var steps = workload.Steps;
        var maps = new Dictionary<string, DeviceTensor>(outputs) { [NetworkWorkload.Input] = x };
        for (int i = 0; i < steps.Count; i++)
        {
            var step = steps[i];
            if (!maps.TryGetValue(step.Output, out var y))
                maps.Add(step.Output, y = Allocate(step.Output));
            Enqueue(step, maps, y);
            foreach (string read in step.Reads)
            {
                if (read != NetworkWorkload.Input && !steps.Skip(i + 1).Any(later => later.Reads.Contains(read))) maps[read].Dispose();
            }
        }
    }

    public void Dispose()
    {
        foreach (var (weights, bias, slope, between) in _constants.Values)
        {
            weights.Dispose();
            bias.Dispose();
            slope?.Dispose();
            between?.Dispose();
        }

        foreach (var map in _wide.Values.Concat(_parts.Values.Select(part => part.Whole).Distinct())) map.Dispose();
    }

    private DeviceTensor Allocate(string map) => _wide.TryGetValue(map, out var wide) ? wide.Columns(0, workload.Shapes[map].Channels)
        : _parts.TryGetValue(map, out var part) ? part.Whole.Columns(part.Start, workload.Shapes[map].Channels)
        : DeviceTensor.Allocate(stream, DType.Float32, NetworkWorkload.Extents(workload.Shapes[map]));

    private void Enqueue(NetworkStep step, Dictionary<string, DeviceTensor> maps, DeviceTensor y)
    {
        var x = maps[step.Input];
        switch (step)
        {
            case ConvStep conv:
                var c = _constants[conv.Output];
                Kernels.Conv2D(stream, Options(conv), x, c.Weights, c.Bias, c.Slope, Residual(conv, maps), y);
                break;
            case SeparableStep separable:
                var s = _constants[separable.Output];
                Kernels.SeparableConv2D(stream, Options(separable), x, s.Weights, s.DepthwiseBias, s.Bias, s.Slope, Residual(separable.Pointwise, maps), y);
                break;
            case AddStep add:
                Kernels.Binary(stream, BinaryOp.Add, x, maps[add.Other], y);
                break;
            case ConcatStep:
                break; // its parts were written in their places
            case PoolStep pool:
                Kernels.Pool2D(stream, pool.Options, x, y);
                break;
            default:
                Kernels.Softmax(stream, new SoftmaxOptions(), x, y);
                break;
        }
    }

    private DeviceTensor? Residual(ConvStep conv, Dictionary<string, DeviceTensor> maps) =>
        conv.Residual is null ? null : _wide.TryGetValue(conv.Residual, out var wide) ? wide.Columns(0, conv.Shape.OutChannels) : maps[conv.Residual];

    private static Dictionary<string, (DeviceTensor Whole, int Start)> Parts(DeviceStream stream, NetworkWorkload workload)
    {
        var parts = new Dictionary<string, (DeviceTensor Whole, int Start)>();
        foreach (var step in workload.Steps.OfType<ConcatStep>())
        {
            var whole = Zeros(stream, workload.Shapes[step.Output]);
            parts.Add(step.Output, (whole, 0));
            int start = 0;
            foreach (string map in step.Inputs)
            {
                parts.Add(map, (whole, start));
                start += workload.Shapes[map].Channels;
            }
        }

        return parts;
    }

    private static DeviceTensor Zeros(DeviceStream stream, NetworkShape shape)
    {
        var map = DeviceTensor.Allocate(stream, DType.Float32, NetworkWorkload.Extents(shape));
        map.Fill(stream, 0);
        return map;
    }

    private static Conv2DOptions Options(ConvStep step) => step.Shape.Options with { Activation = step.Activation };

    private static SeparableConv2DOptions Options(SeparableStep step) => new()
    {
        Depthwise = Options(step.Depthwise),
        OutChannels = step.Pointwise.Shape.OutChannels,
        Activation = step.Pointwise.Activation,
    };

    private static Constants Pack(DeviceStream stream, NetworkStep step)
    {
        var last = (ConvStep)step.Layers[^1];
        var bias = Vector(stream, last.Bias);
        var slope = last.Slope.Length == 0 ? null : Vector(stream, last.Slope);
        var shape = last.Shape;
        if (step is not SeparableStep separable)
        {
            using var weights = DeviceTensor.From<float>(stream, last.Weights, shape.OutChannels, shape.Kernel, shape.Kernel, shape.InChannels / shape.Groups);
            return new Constants(Kernels.PrepareConv2D(stream, Options(last), weights), bias, slope, null);
        }

        var first = separable.Depthwise;
        using var depthwise = DeviceTensor.From<float>(stream, first.Weights, shape.InChannels, first.Shape.Kernel, first.Shape.Kernel);
        using var pointwise = DeviceTensor.From<float>(stream, last.Weights, shape.OutChannels, shape.InChannels);
        return new Constants(Kernels.PrepareSeparableConv2D(stream, Options(separable), depthwise, pointwise), bias, slope, Vector(stream, first.Bias));
    }

    private static DeviceTensor Vector(DeviceStream stream, float[] values) => DeviceTensor.From<float>(stream, values, values.Length);

    private sealed record Constants(DeviceTensor Weights, DeviceTensor Bias, DeviceTensor? Slope, DeviceTensor? DepthwiseBias);
}
