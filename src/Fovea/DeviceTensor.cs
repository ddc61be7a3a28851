using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>A shape, a data type and a lease of pool memory: row-major and contiguous, except that a view may be a slice of a
/// wider last dimension (<see cref="Pitch"/>). Images are [N][H][W][C].
/// <para>Whoever allocates a tensor disposes it; that gives the memory back in stream order, at once for later work of the
/// same stream. Views (<see cref="Columns"/>, <see cref="Rows"/>, <see cref="Reshape"/>, <see cref="WithLive"/>) own nothing:
/// they need no Dispose, and using one after its owner was disposed throws <see cref="ObjectDisposedException"/>. Disposing
/// while another thread is inside a call is safe; the memory goes back when that call has left.</para></summary>
public sealed unsafe partial class DeviceTensor : IDisposable
{
    private readonly bool _owns;
    private fovea_tensor _native;

    private DeviceTensor(Device device, DType dtype, MemoryLease lease, MemoryLease? liveLease, bool owns, in fovea_tensor native)
    {
        Device = device;
        DType = dtype;
        Lease = lease;
        LiveLease = liveLease;
        _owns = owns;
        _native = native;
    }

    /// <summary>Where the elements are.</summary>
    public Device Device { get; }

    /// <summary>Data type of the elements.</summary>
    public DType DType { get; }

    /// <summary>Number of dimensions, at most 8.</summary>
    public int Rank => _native.rank;

    /// <summary>Size of each dimension.</summary>
    public ReadOnlySpan<long> Shape =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<fovea_tensor._shape_e__FixedBuffer, long>(ref _native.shape), _native.rank);

    /// <summary>Elements from one row of the last dimension to the next.</summary>
    public long Pitch => _native.pitch;

    /// <summary>Product of the shape.</summary>
    public long ElementCount => RowCount * RowLength;

    /// <summary>Whether the elements lie without gaps.</summary>
    public bool IsContiguous => _native.pitch == RowLength || RowCount <= 1;

    /// <summary>Whether this tensor shares the memory of another one.</summary>
    public bool IsView => !_owns;

    /// <summary>Whether the memory was given back, here or by the owner.</summary>
    public bool IsDisposed => Lease.IsClosed;

    internal MemoryLease Lease { get; }

    /// <summary>Address of the first element.</summary>
    internal nint Data => (nint)_native.data;

    /// <summary>Lease of the tensor that holds the live row count.</summary>
    internal MemoryLease? LiveLease { get; private set; }

    /// <summary>Length of the last dimension.</summary>
    internal long RowLength => Rank == 0 ? 1 : _native.shape[Rank - 1];

    /// <summary>Number of rows of the last dimension.</summary>
    internal long RowCount => Product(0, Rank - 1);

    /// <summary>Allocates from the stream's pool, or from the graph's arena while the stream is capturing. The contents are
    /// undefined. No shape makes a scalar.</summary>
    /// <exception cref="DeviceOutOfMemoryException">The pool's budget or the device is exhausted.</exception>
    public static DeviceTensor Allocate(DeviceStream stream, DType dtype, params ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var native = new fovea_tensor
        {
            dtype = dtype.ToNative(),
            device_type = (int)stream.Device.Type,
            device_id = stream.Device.Id,
        };
        var count = SetShape(ref native, shape);
        var lease = stream.Pool.Lease(stream, checked(count * dtype.Size()));
        native.data = (void*)lease.Data;
        return new DeviceTensor(stream.Device, dtype, lease, null, owns: true, native);
    }

    /// <summary>As <see cref="Allocate"/>, for a result computed row by row from <paramref name="source"/>: the leading
    /// dimensions are equal, and where that of the source is dynamic (<see cref="WithLive"/>), so is that of the
    /// result.</summary>
    public static DeviceTensor AllocateLike(DeviceStream stream, DeviceTensor source, DType dtype, params ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (shape.IsEmpty || source.Rank == 0 || shape[0] != source.Shape[0])
            throw new ArgumentException($"the leading dimension must be that of {source}", nameof(shape));
        var result = Allocate(stream, dtype, shape);
        result._native.live = source._native.live;
        result.LiveLease = source.LiveLease;
        return result;
    }

    /// <summary>Allocates a tensor, copies <paramref name="values"/> into it and waits. The data type follows from
    /// <typeparamref name="T"/>.</summary>
    /// <exception cref="InvalidOperationException">The stream is capturing.</exception>
    public static DeviceTensor From<T>(DeviceStream stream, ReadOnlySpan<T> values, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.IsCapturing) Throw.Capturing("Copying from host memory");
        var tensor = Allocate(stream, DTypeExtensions.Of<T>(), shape);
        try
        {
            tensor.CopyFrom(stream, values);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Says that the work of <paramref name="stream"/> given from now on comes behind every use of this tensor on other
    /// streams, because it waited for their events: disposed memory then goes back to that stream.</summary>
    public void ReturnTo(DeviceStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Lease.Enter(stream.Id);
        Lease.Leave();
    }

    /// <summary>Gives the memory back; does nothing on a view.</summary>
    public void Dispose()
    {
        if (_owns) Lease.Close();
    }

    /// <summary>For example "[1, 12, 12, 3] Float32".</summary>
    public override string ToString() => $"[{string.Join(", ", Shape.ToArray())}] {DType}";

    /// <summary>Lets <c>fixed</c> give the descriptor to native code; null for a null tensor.</summary>
    internal ref readonly fovea_tensor GetPinnableReference() => ref _native;

    private long Product(int from, int to)
    {
        long product = 1;
        for (var i = from; i < to; i++) product *= _native.shape[i];
        return product;
    }

    private static long SetShape(ref fovea_tensor native, ReadOnlySpan<long> shape)
    {
        if (shape.Length > NativeMethods.FOVEA_MAX_RANK)
            throw new ArgumentException($"the shape has {shape.Length} dimensions, at most {NativeMethods.FOVEA_MAX_RANK} are allowed",
                nameof(shape));
        long count = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(shape[i], nameof(shape));
            native.shape[i] = shape[i];
            count = checked(count * shape[i]);
        }
        native.rank = shape.Length;
        native.pitch = shape.Length == 0 ? 1 : shape[^1];
        return count;
    }
}
