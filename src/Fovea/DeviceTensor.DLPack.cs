using Fovea.Interop;
using Fovea.Interop.DLPack;

namespace Fovea;

public sealed unsafe partial class DeviceTensor
{
    /// <summary>The tensor for another library of this process, without a copy. It shares the memory, which goes back to the pool
    /// when this tensor is disposed and the other side has called the deleter.
    /// <para>Nothing waits: the contents are there in the order of <paramref name="stream"/>, so a library with a stream of its
    /// own waits for this one, or <see cref="DeviceStream.Synchronize"/> comes first. The deleter gives the memory back in the
    /// order of <paramref name="stream"/> too; the other side's work must have been ordered before it.</para></summary>
    /// <param name="stream">The stream that the contents are computed on.</param>
    /// <param name="versioned">Whether the form is that of DLPack 1.0; older libraries take the unversioned one.</param>
    /// <exception cref="InvalidOperationException">The tensor has a live row count, which DLPack cannot say.</exception>
    public DLPackHandle ToDLPack(DeviceStream stream, bool versioned = true)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.Device != Device)
            throw new ArgumentException($"the tensor is on {Device}, the stream on {stream.Device}", nameof(stream));
        if (_native.live != null) throw new InvalidOperationException($"{this} has a live row count, which DLPack cannot express");
        var tensor = new DLTensor
        {
            data = _native.data,
            device = new DLDevice { device_type = _native.device_type, device_id = _native.device_id },
            dtype = _native.dtype,
        };
        Lease.Enter(stream.Id);
        try
        {
            var managed = versioned
                ? (nint)DLPackExport.Versioned(tensor, Shape, Pitch, Lease)
                : (nint)DLPackExport.Unversioned(tensor, Shape, Pitch, Lease);
            return new DLPackHandle(managed, versioned);
        }
        catch
        {
            Lease.Leave();
            throw;
        }
    }

    /// <summary>A tensor over memory that another library owns. Takes <paramref name="managed"/> over: its deleter is called once,
    /// by the thread that disposes this tensor, or that ends the last call or graph which uses it. On a GPU that may be before
    /// queued work has run: synchronise first, unless the producer frees in stream order. A tensor that is never disposed is
    /// never given back.
    /// <para>Nothing waits: the producer's work must be ordered before the stream that this tensor is used on.</para></summary>
    /// <exception cref="ArgumentException">The tensor is on another device, read-only, malformed, of a data type or with strides
    /// that a <see cref="DeviceTensor"/> cannot have. Then <paramref name="managed"/> stays its caller's, and the deleter was not
    /// called.</exception>
    public static DeviceTensor FromDLPack(Device device, DLPackHandle managed)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(managed);
        ObjectDisposedException.ThrowIf(managed.IsClosed, managed);
        if (managed.IsInvalid) throw new ArgumentException("DLPack: the managed tensor is NULL", nameof(managed));
        var pointer = managed.DangerousGetHandle();
        var native = DLPackImport.Check(device, pointer, managed.IsVersioned, out var dtype);
        var lease = new MemoryLease((nint)native.data, pointer, managed.IsVersioned);
        managed.Detach();
        return new DeviceTensor(device, dtype, lease, null, owns: true, native);
    }

    /// <summary>A tensor over memory that somebody else owns, such as a CUdeviceptr of another library in the device's primary
    /// context. The memory stays its owner's: it must outlive this tensor, every call on it and every graph that recorded one.
    /// Nothing checks that the address is one of <paramref name="device"/>.</summary>
    /// <param name="device">Where the memory is.</param>
    /// <param name="data">Address of the first element; aligned to the size of an element.</param>
    /// <param name="dtype">Data type of the elements.</param>
    /// <param name="shape">Size of each dimension, at most 8; row-major.</param>
    /// <param name="pitch">Elements from one row of the last dimension to the next; by default rows follow without a gap.</param>
    /// <exception cref="ArgumentException">The address is null or misaligned, or shape and pitch make no tensor.</exception>
    public static DeviceTensor Wrap(Device device, nint data, DType dtype, ReadOnlySpan<long> shape, long? pitch = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        var native = new fovea_tensor
        {
            data = (void*)data,
            dtype = dtype.ToNative(),
            device_type = (int)device.Type,
            device_id = device.Id,
        };
        SetShape(ref native, shape);
        native.pitch = pitch ?? native.pitch;
        if (ForeignMemory.Problem(native, dtype) is { } problem) throw new ArgumentException(problem, nameof(data));
        return new DeviceTensor(device, dtype, new MemoryLease(data, 0, false), null, owns: true, native);
    }
}
