using Fovea.Interop;

namespace Fovea;

public sealed unsafe partial class DeviceTensor
{
    /// <summary>A view of columns [start, start + count) of the last dimension; the pitch is kept. Kernels write into it, so
    /// concatenation along channels needs no copy.</summary>
    public DeviceTensor Columns(long start, long count)
    {
        CheckSlice("last", start, count, Rank == 0 ? 0 : RowLength);
        var native = _native;
        native.data = Offset(start);
        native.shape[Rank - 1] = count;
        return View(native, LiveLease);
    }

    /// <summary>A view of rows [start, start + count) of the leading dimension.</summary>
    /// <exception cref="InvalidOperationException">The tensor has a live row count, which a slice cannot keep.</exception>
    public DeviceTensor Rows(long start, long count)
    {
        CheckSlice("leading", start, count, Rank == 0 ? 0 : _native.shape[0]);
        if (_native.live != null) throw new InvalidOperationException("a tensor with a live row count cannot be sliced by rows");
        var native = _native;
        native.data = Offset(start * (Rank == 1 ? 1 : Product(1, Rank - 1) * Pitch));
        native.shape[0] = count;
        // A one-dimensional slice is one row: its pitch carries no meaning and must not be shorter than the row.
        return View(native, null);
    }

    /// <summary>A view with another shape and the same elements. One dimension may be -1: it is computed. A slice of a wider
    /// last dimension must keep its last dimension; a live row count needs the leading dimension kept.</summary>
    public DeviceTensor Reshape(params ReadOnlySpan<long> shape)
    {
        Span<long> resolved = stackalloc long[NativeMethods.FOVEA_MAX_RANK];
        if (shape.Length > resolved.Length)
            throw new ArgumentException($"the shape has {shape.Length} dimensions, at most {resolved.Length} are allowed",
                nameof(shape));
        resolved = resolved[..shape.Length];
        shape.CopyTo(resolved);
        var wild = resolved.IndexOf(-1L);
        if (wild >= 0)
        {
            resolved[wild] = 1;
            long known = 1;
            foreach (var size in resolved) known = checked(known * size);
            if (known <= 0 || ElementCount % known != 0) ThrowReshape(shape);
            resolved[wild] = ElementCount / known;
        }
        var native = _native;
        if (SetShape(ref native, resolved) != ElementCount) ThrowReshape(shape);
        if (!IsContiguous)
        {
            if (resolved.Length == 0 || resolved[^1] != RowLength)
                throw new InvalidOperationException($"{this} is a slice with pitch {Pitch}, so its last dimension must stay {RowLength}");
            native.pitch = Pitch;
        }
        if (native.live != null && (resolved.Length == 0 || resolved[0] != _native.shape[0]))
            throw new InvalidOperationException($"{this} has a live row count, so its leading dimension must stay {_native.shape[0]}");
        return View(native, LiveLease);
    }

    /// <summary>A view whose leading dimension is dynamic: kernels compute only as many rows as element
    /// <paramref name="index"/> of <paramref name="count"/> (Int32, on the same device) says when they run.</summary>
    public DeviceTensor WithLive(DeviceTensor count, long index = 0)
    {
        ArgumentNullException.ThrowIfNull(count);
        if (count.DType != DType.Int32) throw new ArgumentException($"the count must be Int32, it is {count}", nameof(count));
        if (count.Device != Device)
            throw new ArgumentException($"the count is on {count.Device}, the tensor on {Device}", nameof(count));
        if (!count.IsContiguous)
            throw new ArgumentException($"the count must be contiguous, its pitch is {count.Pitch}", nameof(count));
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count.ElementCount);
        if (Rank == 0) throw new InvalidOperationException("a scalar has no rows");
        if (count.IsDisposed) Throw.TensorDisposed();
        var native = _native;
        native.live = (int*)count._native.data + index;
        return View(native, count.Lease);
    }

    private DeviceTensor View(in fovea_tensor native, MemoryLease? live)
    {
        if (IsDisposed) Throw.TensorDisposed();
        return new DeviceTensor(Device, DType, Lease, live, owns: false, native);
    }

    private void* Offset(long elements) => _native.data == null ? null : (byte*)_native.data + elements * DType.Size();

    private void CheckSlice(string dimension, long start, long count, long size)
    {
        if (Rank == 0) throw new InvalidOperationException("a scalar cannot be sliced");
        if (start < 0 || count < 0 || start > size - count)
            throw new ArgumentOutOfRangeException(nameof(start), start,
                $"[{start}, {start + count}) is not inside the {dimension} dimension of {this}");
    }

    private void ThrowReshape(ReadOnlySpan<long> shape) =>
        throw new ArgumentException($"{this} has {ElementCount} elements and cannot become [{string.Join(", ", shape.ToArray())}]",
            nameof(shape));
}
