using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Fovea.Bench.Measure;

/// <summary>A short run of independent fused multiply-adds in registers: what this core gives at this moment, in GFLOP/s, and over
/// many bursts the peak that kernels are compared with.</summary>
public static class FmaBurst
{
    // Twelve chains cover the latency of 4 cycles on two pipes with room to spare, and fit the 16 registers of AVX2.
    private const int Chains = 12;

    /// <summary>Iterations of about 40 microseconds on a core of 4 GHz: long enough to time, short enough to put around every
    /// sample.</summary>
    public const int ShortIterations = 26_000;

    private static float _sink;

    // As wide as Fovea's kernels in this process, so that a forced AVX2 run is compared with what AVX2 can do.
    private static readonly bool Wide = Avx512F.IsSupported && FoveaRuntime.Active == InstructionSet.Avx512;

    private static int Lanes => Wide ? Vector512<float>.Count : Vector256<float>.Count;

    /// <summary>GFLOP/s of one burst.</summary>
    public static double Measure(int iterations = ShortIterations)
    {
        long start = Stopwatch.GetTimestamp();
        _sink = Wide ? Run512(iterations) : Run256(iterations);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return 2.0 * Chains * Lanes * iterations / seconds * 1e-9;
    }

    /// <summary>The 99th percentile of many bursts, spread over about 20 milliseconds: a glitch of the clock is no peak.</summary>
    public static double Peak() => Quantiles.Of(Enumerable.Range(0, 500).Select(_ => Measure())).P99;

    // Locals, not arrays: the just-in-time compiler keeps them in registers only so.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Run512(int iterations)
    {
        var m = Vector512.Create(0.999f);
        var c = Vector512.Create(0.001f);
        Vector512<float> a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, a5 = c, a6 = c, a7 = c, a8 = c, a9 = c, a10 = c, a11 = c;
        for (int i = 0; i < iterations; i++)
        {
            a0 = Avx512F.FusedMultiplyAdd(a0, m, c);
            a1 = Avx512F.FusedMultiplyAdd(a1, m, c);
            a2 = Avx512F.FusedMultiplyAdd(a2, m, c);
            a3 = Avx512F.FusedMultiplyAdd(a3, m, c);
            a4 = Avx512F.FusedMultiplyAdd(a4, m, c);
            a5 = Avx512F.FusedMultiplyAdd(a5, m, c);
            a6 = Avx512F.FusedMultiplyAdd(a6, m, c);
            a7 = Avx512F.FusedMultiplyAdd(a7, m, c);
            a8 = Avx512F.FusedMultiplyAdd(a8, m, c);
            a9 = Avx512F.FusedMultiplyAdd(a9, m, c);
            a10 = Avx512F.FusedMultiplyAdd(a10, m, c);
            a11 = Avx512F.FusedMultiplyAdd(a11, m, c);
        }

        return Vector512.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Run256(int iterations)
    {
        var m = Vector256.Create(0.999f);
        var c = Vector256.Create(0.001f);
        Vector256<float> a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, a5 = c, a6 = c, a7 = c, a8 = c, a9 = c, a10 = c, a11 = c;
        for (int i = 0; i < iterations; i++)
        {
            a0 = Vector256.FusedMultiplyAdd(a0, m, c);
            a1 = Vector256.FusedMultiplyAdd(a1, m, c);
            a2 = Vector256.FusedMultiplyAdd(a2, m, c);
            a3 = Vector256.FusedMultiplyAdd(a3, m, c);
            a4 = Vector256.FusedMultiplyAdd(a4, m, c);
            a5 = Vector256.FusedMultiplyAdd(a5, m, c);
            a6 = Vector256.FusedMultiplyAdd(a6, m, c);
            a7 = Vector256.FusedMultiplyAdd(a7, m, c);
            a8 = Vector256.FusedMultiplyAdd(a8, m, c);
            a9 = Vector256.FusedMultiplyAdd(a9, m, c);
            a10 = Vector256.FusedMultiplyAdd(a10, m, c);
            a11 = Vector256.FusedMultiplyAdd(a11, m, c);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }
}
