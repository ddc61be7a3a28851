namespace Fovea.Bench.Workloads;

/// <summary>Inputs that are the same in every run.</summary>
public static class RandomData
{
    public static float[] Uniform(int seed, long count, float low = -1, float high = 1)
    {
        var random = new Random(seed);
        var data = new float[count];
        for (long i = 0; i < count; i++) data[i] = low + (high - low) * random.NextSingle();
        return data;
    }

    public static byte[] Bytes(int seed, int count)
    {
        byte[] data = new byte[count];
        new Random(seed).NextBytes(data);
        return data;
    }
}
