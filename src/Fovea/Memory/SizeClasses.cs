using System.Numerics;

namespace Fovea;

/// <summary>Block sizes: four per power of two from 64 bytes on, so that at most a fifth of a block is unused and blocks of
/// like sizes can stand in for each other. From 2 MiB on they are whole huge pages.</summary>
internal static class SizeClasses
{
    public const long Smallest = 64;
    public const long HugePage = 2 << 20;
    public const long Largest = 1L << 46;
    public const int Count = 4 * 47;

    public static long Round(long bytes)
    {
        if (bytes <= Smallest) return Smallest;
        var step = Math.Max(Smallest, (1L << BitOperations.Log2((ulong)(bytes - 1))) / 4);
        if (bytes > HugePage) step = Math.Max(step, HugePage);
        return (bytes + step - 1) / step * step;
    }

    /// <summary>Index of a size that <see cref="Round"/> gave.</summary>
    public static int Index(long size)
    {
        var octave = BitOperations.Log2((ulong)size);
        return 4 * octave + (int)((size - (1L << octave)) >> (octave - 2));
    }
}
