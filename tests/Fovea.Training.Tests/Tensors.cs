namespace Fovea.Training.Tests;

internal static class Tensors
{
    /// <summary>Numbers between -0.5 and 0.5 that depend on the seed and the index alone.</summary>
    public static DeviceTensor Random(DeviceStream stream, int seed, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var size in shape) count *= size;
        var random = new Random(seed);
        var values = new float[count];
        foreach (ref var value in values.AsSpan()) value = random.NextSingle() - 0.5f;
        return DeviceTensor.From<float>(stream, values, shape);
    }
}
