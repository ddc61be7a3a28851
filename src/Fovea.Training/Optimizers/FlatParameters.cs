namespace Fovea.Training;

/// <summary>Parameters, or their gradients and moments, side by side in one buffer, so that one kernel updates all of them. Moving
/// parameters in changes their memory, not their values.</summary>
internal sealed class FlatParameters : IDisposable
{
    // Each parameter begins on a cache line, as tensors of their own would.
    private const long Alignment = 64;

    private readonly long[] _starts;

    public FlatParameters(DeviceStream stream, IReadOnlyList<Parameter> parameters, int moments)
    {
        Parameters = parameters;
        _starts = new long[parameters.Count];
        long count = 0;
        for (var i = 0; i < parameters.Count; i++)
        {
            if (parameters[i].Spec.DType != DType.Float32) throw new ArgumentException($"parameter {parameters[i]} is not f32", nameof(parameters));
            _starts[i] = count;
            var step = Alignment / sizeof(float);
            count += (parameters[i].Spec.ElementCount + step - 1) / step * step;
        }
        Values = Zeros(stream, count);
        Gradients = Zeros(stream, count);
        Moments = [.. Enumerable.Range(0, moments).Select(_ => Zeros(stream, count))];
        for (var i = 0; i < parameters.Count; i++)
        {
            var value = View(Values, i);
            Kernels.Copy(stream, parameters[i].Value, value);
            parameters[i].Move(value, View(Gradients, i));
        }
    }

    public IReadOnlyList<Parameter> Parameters { get; }

    public DeviceTensor Values { get; }

    public DeviceTensor Gradients { get; }

    public DeviceTensor[] Moments { get; }

    /// <summary>The part of a flat buffer that belongs to parameter <paramref name="index"/>, in its shape.</summary>
    public DeviceTensor View(DeviceTensor flat, int index) =>
        flat.Rows(_starts[index], Parameters[index].Spec.ElementCount).Reshape(Parameters[index].Spec.Shape);

    public void Dispose()
    {
        Values.Dispose();
        Gradients.Dispose();
        foreach (var moment in Moments) moment.Dispose();
    }

    private static DeviceTensor Zeros(DeviceStream stream, long count)
    {
        var tensor = DeviceTensor.Allocate(stream, DType.Float32, count);
        tensor.Fill(stream, 0);
        return tensor;
    }
}
