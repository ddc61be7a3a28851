namespace Fovea.Bench.Workloads.Network;

/// <summary>The layers of a <see cref="NetworkWorkload"/> with their packed weights.</summary>
internal sealed class FoveaNetwork(DeviceStream stream, NetworkWorkload workload) : IDisposable
{
    private readonly Dictionary<string, (DeviceTensor Weights, DeviceTensor Bias, DeviceTensor? Slope)> _constants =
        workload.Steps.OfType<ConvStep>().ToDictionary(step => step.Output, step => Pack(stream, step));

    // Maps that are added to something with more channels live in the front channels of a wider one, whose zeros nobody overwrites:
    // they are no part of the arena, where buffers overlap.
    private readonly Dictionary<string, DeviceTensor> _wide = workload.Steps.Select(step => step.Output)
        .Where(map => workload.ResidualChannels(map) > workload.Shapes[map].Channels)
        .ToDictionary(map => map, map => Zeros(stream, workload.Shapes[map] with { Channels = workload.ResidualChannels(map) }));

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
            foreach (string read in Reads(step))
            {
                if (read != NetworkWorkload.Input && !steps.Skip(i + 1).Any(later => Reads(later).Contains(read))) maps[read].Dispose();
            }
        }
    }

    public void Dispose()
    {
        foreach (var (weights, bias, slope) in _constants.Values)
        {
            weights.Dispose();
            bias.Dispose();
            slope?.Dispose();
        }

        foreach (var map in _wide.Values) map.Dispose();
    }

    private DeviceTensor Allocate(string map) => _wide.TryGetValue(map, out var wide)
        ? wide.Columns(0, workload.Shapes[map].Channels)
        : DeviceTensor.Allocate(stream, DType.Float32, NetworkWorkload.Extents(workload.Shapes[map]));

    private void Enqueue(NetworkStep step, Dictionary<string, DeviceTensor> maps, DeviceTensor y)
    {
        var x = maps[step.Input];
        switch (step)
        {
            case ConvStep conv:
                var (weights, bias, slope) = _constants[conv.Output];
                Kernels.Conv2D(stream, Options(conv), x, weights, bias, slope, Residual(conv, maps), y);
                break;
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

    private static DeviceTensor Zeros(DeviceStream stream, NetworkShape shape)
    {
        var map = DeviceTensor.Allocate(stream, DType.Float32, NetworkWorkload.Extents(shape));
        map.Fill(stream, 0);
        return map;
    }

    private static IEnumerable<string> Reads(NetworkStep step) => step is ConvStep { Residual: { } residual } ? [step.Input, residual] : [step.Input];

    private static Conv2DOptions Options(ConvStep step) => step.Shape.Options with { Activation = step.Activation };

    private static (DeviceTensor Weights, DeviceTensor Bias, DeviceTensor? Slope) Pack(DeviceStream stream, ConvStep step)
    {
        var shape = step.Shape;
        using var raw = DeviceTensor.From<float>(stream, step.Weights, shape.OutChannels, shape.Kernel, shape.Kernel, shape.InChannels / shape.Groups);
        return (Kernels.PrepareConv2D(stream, Options(step), raw), DeviceTensor.From<float>(stream, step.Bias, shape.OutChannels),
            step.Slope.Length == 0 ? null : DeviceTensor.From<float>(stream, step.Slope, shape.OutChannels));
    }
}
