using Fovea.Training;

namespace Fovea.Models.Sequences;

/// <summary>First values of parameters, drawn on the host in the order the parameters are made: the same seed gives the same
/// model.</summary>
internal static class Initial
{
    /// <summary>Uniform in (-bound, bound).</summary>
    public static DeviceTensor Uniform(DeviceStream stream, Random random, double bound, params ReadOnlySpan<long> shape) =>
        Of(stream, shape, _ => (2 * random.NextDouble() - 1) * bound);

    /// <summary>Normal with mean 0, by Box and Muller's transform.</summary>
    public static DeviceTensor Normal(DeviceStream stream, Random random, double deviation, params ReadOnlySpan<long> shape) =>
        Of(stream, shape, _ => deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    /// <summary>All of one value.</summary>
    public static DeviceTensor Constant(DeviceStream stream, float value, params ReadOnlySpan<long> shape) => Of(stream, shape, _ => value);

    /// <summary>By index in row-major order.</summary>
    public static DeviceTensor Of(DeviceStream stream, ReadOnlySpan<long> shape, Func<int, double> value)
    {
        long count = 1;
        foreach (var size in shape) count = checked(count * size);
        var values = new float[count];
        for (var i = 0; i < values.Length; i++) values[i] = (float)value(i);
        return DeviceTensor.From<float>(stream, values, shape);
    }
}
