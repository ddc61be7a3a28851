using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fovea.Data;

/// <summary>Memory at a fixed address that grows and keeps its contents: for a device, pinned memory that it copies from; else
/// managed.</summary>
internal sealed class BatchBuffer<T>(Device? device) : IDisposable where T : unmanaged
{
    private const int SmallestBytes = 1024;

    private PinnedBuffer? _pinned;
    private T[] _array = [];

    internal int Capacity { get; private set; }

    /// <summary>All of it. Valid until the next <see cref="Reserve"/>.</summary>
    internal Span<T> Span => _pinned is null ? _array : MemoryMarshal.Cast<byte, T>(_pinned.GetSpan());

    internal PinnedBuffer Pinned =>
        _pinned ?? throw new InvalidOperationException("the batch was made without a device, so its memory is not pinned");

    /// <summary>Makes room for <paramref name="count"/> elements in all, and gives them.</summary>
    internal Span<T> Reserve(long count)
    {
        if (count > Capacity) Grow(count);
        return Span;
    }

    public void Dispose() => ((IDisposable?)_pinned)?.Dispose();

    private void Grow(long count)
    {
        var size = Unsafe.SizeOf<T>();
        if (count > (1 << 30) / size) throw new ExampleException("a batch with a column of more than 1 GiB; make batches smaller");
        var capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, SmallestBytes / size));
        if (device is null)
        {
            var larger = GC.AllocateUninitializedArray<T>(capacity, pinned: true);
            _array.CopyTo(larger, 0);
            _array = larger;
        }
        else
        {
            var larger = new PinnedBuffer(device, checked(capacity * size));
            Span.CopyTo(MemoryMarshal.Cast<byte, T>(larger.GetSpan()));
            Dispose();
            _pinned = larger;
        }
        Capacity = capacity;
    }
}
