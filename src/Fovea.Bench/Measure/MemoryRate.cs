using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fovea.Bench.Measure;

/// <summary>What this machine's memory gives for a given amount of data, from the cache level that this data lives in: GB/s of a
/// memcpy (read and written bytes counted) and of a plain read, with several threads each on its own share.</summary>
public sealed unsafe class MemoryRate(int threads = 1)
{
    private const long Least = 8 << 10, Largest = 256 << 20;

    private const long Line = 128; // bytes per step of the sum

    private readonly Dictionary<(long Bytes, bool Copy), double> _known = [];

    /// <summary>GB/s of memcpy when <paramref name="bytes"/> are touched in all.</summary>
    public double Copy(long bytes) => Rate(bytes / 2, copy: true);

    /// <summary>GB/s of reading <paramref name="bytes"/>.</summary>
    public double Read(long bytes) => Rate(bytes, copy: false);

    private double Rate(long bytes, bool copy)
    {
        // Four measurements per octave: a footprint a little below a cache's size must not be compared with one above it.
        double octave = Math.Ceiling(4 * Math.Log2(Math.Clamp(bytes / threads, Least, Largest))) / 4;
        long share = (long)Math.Pow(2, octave) & -Line;
        if (!_known.TryGetValue((share, copy), out double rate)) _known.Add((share, copy), rate = Measure(share, copy));
        return rate;
    }

    private double Measure(long bytes, bool copy)
    {
        var rates = new double[threads];
        using var start = new Barrier(threads);
        void Run(int thread)
        {
            byte* from = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64), to = copy ? (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64) : null;
            NativeMemory.Fill(from, (nuint)bytes, 1);
            int repeats = (int)Math.Max(1, (4 << 20) / bytes);
            for (int round = 0; round < 15; round++)
            {
                start.SignalAndWait();
                long begin = Stopwatch.GetTimestamp();
                for (int i = 0; i < repeats; i++)
                {
                    if (copy) Buffer.MemoryCopy(from, to, bytes, bytes);
                    else Sink = Sum(from, bytes);
                }

                double moved = (copy ? 2.0 : 1.0) * bytes * repeats;
                rates[thread] = Math.Max(rates[thread], moved / Stopwatch.GetElapsedTime(begin).TotalSeconds * 1e-9);
            }

            NativeMemory.AlignedFree(from);
            NativeMemory.AlignedFree(to);
        }

        var others = Enumerable.Range(1, threads - 1).Select(i => new Thread(() => Run(i))).ToArray();
        foreach (var other in others) other.Start();
        Run(0);
        foreach (var other in others) other.Join();
        return rates.Sum();
    }

    // Keeps the sums alive.
    private static int Sink { get; set; }

    // Four streams of 32 bytes each: additions of one would wait for each other.
    private static int Sum(byte* data, long bytes)
    {
        Vector256<int> a = default, b = default, c = default, d = default;
        for (byte* end = data + bytes; data < end; data += Line)
        {
            a += Vector256.LoadAligned((int*)data);
            b += Vector256.LoadAligned((int*)(data + 32));
            c += Vector256.LoadAligned((int*)(data + 64));
            d += Vector256.LoadAligned((int*)(data + 96));
        }

        return Vector256.Sum(a + b + c + d);
    }
}
