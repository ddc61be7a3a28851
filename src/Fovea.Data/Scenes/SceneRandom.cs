namespace Fovea.Data;

/// <summary>Random numbers of one scene: SplitMix64 (Steele, Lea and Flood, 2014) from a state that seed and index make.</summary>
internal struct SceneRandom(ulong seed, ulong index)
{
    private ulong _state = Mix(Mix(seed) + index);

    /// <summary>In [0, 1), a multiple of 2^-53.</summary>
    public double Next() => (Draw() >> 11) * (1.0 / (1L << 53));

    /// <summary>In [from, to).</summary>
    public int Next(int from, int to) => from + (int)(Next() * (to - from));

    /// <summary>About normal, with mean 0 and deviation 1: the sum of four uniform numbers of 16 bits each, at most 3.5.</summary>
    public double NextNormal()
    {
        var bits = Draw();
        var sum = (double)(bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
        return (sum - 2 * 0xFFFF) / 37837.227; // sqrt(4 * 2^32 / 12)
    }

    private ulong Draw() => Mix(_state += 0x9E3779B97F4A7C15);

    private static ulong Mix(ulong x)
    {
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        return x ^ x >> 31;
    }
}
