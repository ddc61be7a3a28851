using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fovea.Benchmarks.Latency;

/// <summary>What memcpy reaches on this machine for a given amount of data: the bandwidth that kernels are compared with, from the
/// cache level that their data lives in.</summary>
internal static unsafe class CopyRate
{
    private const long Least = 8 << 10, Largest = 256 << 20;

    private static readonly Dictionary<long, double> Known = [];

    /// <summary>GB/s, read and written bytes counted, when <paramref name="bytes"/> are touched in all.</summary>
    public static double For(long bytes)
    {
        // One measurement per power of two is enough: a cache level spans several.
        long half = (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Clamp(bytes / 2, Least, Largest));
        if (!Known.TryGetValue(half, out double rate)) Known.Add(half, rate = Measure(half));
        return rate;
    }

    private static double Measure(long bytes)
    {
        byte* from = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64), to = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        NativeMemory.Fill(from, (nuint)bytes, 1);
        int repeats = (int)Math.Max(1, (4 << 20) / bytes);
        double best = 0;
        for (int round = 0; round < 15; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < repeats; i++) Buffer.MemoryCopy(from, to, bytes, bytes);
            best = Math.Max(best, 2.0 * bytes * repeats / Stopwatch.GetElapsedTime(start).TotalSeconds * 1e-9);
        }

        NativeMemory.AlignedFree(from);
        NativeMemory.AlignedFree(to);
        return best;
    }
}
