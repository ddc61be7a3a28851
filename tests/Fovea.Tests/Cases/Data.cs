namespace Fovea.Tests.Cases;

/// <summary>Inputs that are the same on every machine and in every run.</summary>
internal static class Data
{
    /// <summary>Values in [low, high).</summary>
    public static float[] Floats(long count, uint seed, float low = -1, float high = 1)
    {
        var values = new float[count];
        var state = seed * 2654435761u + 1;
        for (var i = 0; i < values.Length; i++)
        {
            state = state * 1664525u + 1013904223u;
            values[i] = low + (high - low) * (state >> 8) / (1 << 24);
        }
        return values;
    }

    public static byte[] Bytes(long count, uint seed) => Array.ConvertAll(Floats(count, seed, 0, 256), v => (byte)v);

    public static int[] Ints(long count, uint seed, int low, int high) => Array.ConvertAll(Floats(count, seed, low, high), v => (int)MathF.Floor(v));

    public static DeviceTensor Tensor(DeviceStream stream, uint seed, params ReadOnlySpan<long> shape) =>
        DeviceTensor.From<float>(stream, Floats(Count(shape), seed), shape);

    public static DeviceTensor Image(DeviceStream stream, uint seed, params ReadOnlySpan<long> shape) =>
        DeviceTensor.From<byte>(stream, Bytes(Count(shape), seed), shape);

    public static DeviceTensor Empty(DeviceStream stream, params ReadOnlySpan<long> shape) =>
        DeviceTensor.Allocate(stream, DType.Float32, shape);

    /// <summary>Boxes x1 y1 x2 y2 that overlap now and then, inside a square of the given size.</summary>
    public static DeviceTensor Boxes(DeviceStream stream, uint seed, int count, float size)
    {
        var corners = Floats(2L * count, seed, 0, size * 0.8f);
        var sides = Floats(2L * count, seed + 1, size * 0.05f, size * 0.2f);
        var boxes = new float[4 * count];
        for (var i = 0; i < count; i++)
        {
            (boxes[4 * i], boxes[4 * i + 1]) = (corners[2 * i], corners[2 * i + 1]);
            (boxes[4 * i + 2], boxes[4 * i + 3]) = (corners[2 * i] + sides[2 * i], corners[2 * i + 1] + sides[2 * i + 1]);
        }
        return DeviceTensor.From<float>(stream, boxes, count, 4);
    }

    private static long Count(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var size in shape) count *= size;
        return count;
    }
}
