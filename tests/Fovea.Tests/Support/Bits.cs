using System.Runtime.InteropServices;
using Fovea.Tests.Cases;
using Xunit;

namespace Fovea.Tests.Support;

/// <summary>Outputs of a case as bytes, and their comparison.</summary>
internal static class Bits
{
    private const byte Poison = 0xA5; // a large negative float, so an element that was not written shows

    /// <summary>Fills the outputs, runs the case and returns what the outputs hold.</summary>
    public static byte[][] Run(KernelRun run, DeviceStream stream, Action<DeviceStream>? instead = null)
    {
        foreach (var y in run.Outputs) y.Fill(stream, Poison);
        (instead ?? run.Call)(stream);
        stream.Synchronize();
        return [.. run.Outputs.Select(y => Read(y, stream))];
    }

    public static byte[] Read(DeviceTensor tensor, DeviceStream stream) => tensor.DType switch
    {
        DType.Float32 => AsBytes<float>(tensor, stream),
        DType.Float16 or DType.BFloat16 => AsBytes<ushort>(tensor, stream),
        DType.Int32 => AsBytes<int>(tensor, stream),
        DType.Int64 => AsBytes<long>(tensor, stream),
        _ => AsBytes<byte>(tensor, stream),
    };

    public static void AssertEqual(byte[][] expected, byte[][] actual, string what)
    {
        for (var i = 0; i < expected.Length; i++)
            if (!expected[i].AsSpan().SequenceEqual(actual[i]))
                Assert.Fail($"{what}: output {i} differs first at byte {expected[i].AsSpan().CommonPrefixLength(actual[i])} of {expected[i].Length}");
    }

    /// <summary>Float32 within the tolerance relative to max(1, |reference|), NaN equal to NaN; UInt8 within the steps; other types exactly.</summary>
    public static void AssertClose(KernelRun run, byte[][] reference, byte[][] actual, KernelCase kernelCase, string what)
    {
        for (var i = 0; i < reference.Length; i++)
        {
            var tolerance = kernelCase.Tolerance;
            if (run.Outputs[i].DType == DType.UInt8 && kernelCase.Steps > 0)
            {
                var worst = reference[i].Zip(actual[i], (a, b) => Math.Abs(a - b)).Max();
                Assert.True(worst <= kernelCase.Steps, $"{what}: output {i} differs by up to {worst}");
                continue;
            }
            if (tolerance == 0 || run.Outputs[i].DType != DType.Float32)
            {
                AssertEqual([reference[i]], [actual[i]], $"{what}: output {i}");
                continue;
            }
            var expected = MemoryMarshal.Cast<byte, float>(reference[i]);
            var got = MemoryMarshal.Cast<byte, float>(actual[i]);
            for (var j = 0; j < expected.Length; j++)
            {
                var (e, g) = ((double)expected[j], (double)got[j]);
                if (e.Equals(g) || Math.Abs(e - g) <= tolerance * Math.Max(1, Math.Abs(e))) continue;
                Assert.Fail($"{what}: output {i}, element {j}: {got[j]:R}, reference {expected[j]:R}");
            }
        }
    }

    private static byte[] AsBytes<T>(DeviceTensor tensor, DeviceStream stream) where T : unmanaged =>
        MemoryMarshal.AsBytes<T>(tensor.ToArray<T>(stream)).ToArray();
}
