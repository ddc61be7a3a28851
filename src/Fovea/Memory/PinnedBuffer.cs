using System.Buffers;
using Fovea.Interop;

namespace Fovea;

/// <summary>Host memory at a fixed address that devices copy from and to without staging. Because it does not move, copies from
/// and to it may be captured. Not pooled: allocate it once. Dispose after the work that uses it has finished.</summary>
public sealed unsafe class PinnedBuffer : MemoryManager<byte>
{
    private readonly int _length;
    private nint _data;

    /// <summary>Allocates <paramref name="length"/> bytes, 64-byte aligned, with undefined contents.</summary>
    /// <exception cref="DeviceException">The system has no memory left.</exception>
    public PinnedBuffer(Device device, int length)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Device = device;
        _length = length;
        void* data;
        Throw.IfFailed(
            NativeMethods.fovea_memory_alloc(device.Handle, (int)fovea_memory_kind.FOVEA_MEMORY_PINNED, length, &data), "memory_alloc");
        _data = (nint)data;
    }

    /// <summary>The device that reaches it.</summary>
    public Device Device { get; }

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_data == 0 && _length > 0, this);
        return new Span<byte>((void*)_data, _length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, _length);
        ObjectDisposedException.ThrowIf(_data == 0 && _length > 0, this);
        return new MemoryHandle((byte*)_data + elementIndex, default, this);
    }

    /// <summary>Does nothing: the memory never moves.</summary>
    public override void Unpin()
    {
    }

    /// <summary>Gives the memory back.</summary>
    protected override void Dispose(bool disposing)
    {
        var data = Interlocked.Exchange(ref _data, 0);
        if (data != 0)
            _ = NativeMethods.fovea_memory_free(Device.Handle, (int)fovea_memory_kind.FOVEA_MEMORY_PINNED, (void*)data, _length);
    }
}
