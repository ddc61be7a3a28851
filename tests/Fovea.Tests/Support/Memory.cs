using System.Runtime.InteropServices;

namespace Fovea.Tests.Support;

internal static unsafe class Memory
{
    /// <summary>Where the first element is.</summary>
    public static long Address(DeviceTensor x)
    {
        var bytes = x.DType == DType.UInt8 ? x.AsSpan<byte>() : MemoryMarshal.AsBytes(x.AsSpan<float>());
        fixed (byte* data = bytes) return (long)data;
    }
}
