using Fovea.Interop;
using Fovea.Interop.DLPack;

namespace Fovea;

/// <summary>Checks a managed tensor of another library. Nothing in it is believed but that its pointers, where not NULL, point to
/// what DLPack says.</summary>
internal static unsafe class DLPackImport
{
    /// <summary>The descriptor of the tensor; throws an <see cref="ArgumentException"/> that says what is wrong.</summary>
    public static fovea_tensor Check(Device device, nint managed, bool isVersioned, out DType dtype)
    {
        if (!isVersioned) return Check(device, ((DLManagedTensor*)managed)->dl_tensor, out dtype);
        var tensor = (DLManagedTensorVersioned*)managed;
        // Behind another major version the fields may lie elsewhere: nothing but the version may be read.
        if (tensor->version.major != DLPackVersion.Major)
            throw Refused($"it has version {tensor->version.major}.{tensor->version.minor}, understood is {DLPackVersion.Major}.x");
        if ((tensor->flags & DLManagedTensorVersioned.ReadOnly) != 0)
            throw Refused("it is read-only, and no tensor here can promise that; copy it on the producer's side");
        return Check(device, tensor->dl_tensor, out dtype);
    }

    private static fovea_tensor Check(Device device, in DLTensor tensor, out DType dtype)
    {
        if (tensor.device.device_type != (int)device.Type || tensor.device.device_id != device.Id)
            throw Refused($"it is on {NameOf(tensor.device)}, not on {device}");
        dtype = DTypeOf(tensor.dtype);
        var rank = tensor.ndim;
        if (rank is < 0 or > NativeMethods.FOVEA_MAX_RANK)
            throw Refused($"it has {rank} dimensions, allowed are 0 to {NativeMethods.FOVEA_MAX_RANK}");
        if (rank > 0 && tensor.shape == null) throw Refused("its shape is NULL");
        var native = new fovea_tensor
        {
            rank = rank,
            dtype = tensor.dtype,
            device_type = tensor.device.device_type,
            device_id = tensor.device.device_id,
        };
        var empty = false;
        for (var i = 0; i < rank; i++)
        {
            var size = native.shape[i] = tensor.shape[i];
            if (size < 0) throw Refused($"dimension {i} has size {size}");
            empty |= size == 0;
        }
        native.pitch = rank == 0 ? 1 : native.shape[rank - 1];
        if (tensor.strides != null && !empty) native.pitch = PitchOf(native, tensor.strides);
        if (tensor.byte_offset > ulong.MaxValue - (ulong)tensor.data) throw Refused($"its byte offset {tensor.byte_offset} leaves the address space");
        // An empty tensor may have any address, so it gets none.
        if (!empty) native.data = tensor.data == null ? null : (byte*)tensor.data + tensor.byte_offset;
        return ForeignMemory.Problem(native, dtype) is { } problem ? throw Refused(problem) : native;
    }

    /// <summary>The pitch of rows of the last dimension, when the strides are those of a row-major tensor with at most that
    /// freedom. Strides of dimensions of size 1 mean nothing.</summary>
    private static long PitchOf(in fovea_tensor native, long* strides)
    {
        var last = native.rank - 1;
        if (last < 0) return 1;
        var row = native.shape[last];
        if (row > 1 && strides[last] != 1) throw Strides(native, strides, "that of the last dimension must be 1");
        long pitch = 0, rows = 1; // rows of the dimensions looked at so far
        for (var i = last - 1; i >= 0; i--)
        {
            if (native.shape[i] == 1) continue;
            if (pitch == 0 && strides[i] < row)
                throw Strides(native, strides, $"rows of {row} elements overlap in dimension {i}");
            if (pitch == 0)
                pitch = strides[i];
            else if (!ForeignMemory.Multiply(pitch, rows, out var expected) || strides[i] != expected)
                throw Strides(native, strides, $"dimension {i} is not row-major over a last dimension with one pitch");
            if (!ForeignMemory.Multiply(rows, native.shape[i], out rows)) throw Refused("the shape has more elements than 2^63");
        }
        return pitch == 0 ? row : pitch;
    }

    private static DType DTypeOf(fovea_dtype dtype)
    {
        if (dtype.lanes == 1)
            foreach (var known in Enum.GetValues<DType>())
                if (known.ToNative() is var native && native.code == dtype.code && native.bits == dtype.bits)
                    return known;
        throw Refused($"its data type has code {dtype.code}, {dtype.bits} bits and {dtype.lanes} lanes; known are " +
            string.Join(", ", Enum.GetValues<DType>().Select(d => d.ToNative() is var n ? $"{d} ({n.code}, {n.bits}, 1)" : "")));
    }

    private static string NameOf(DLDevice device) => device.device_type switch
    {
        (int)DeviceType.Cpu => $"cpu:{device.device_id}",
        (int)DeviceType.Cuda => $"cuda:{device.device_id}",
        3 => "pinned host memory of CUDA",
        13 => "managed memory of CUDA",
        var type => $"DLPack's device type {type}, index {device.device_id}",
    };

    private static ArgumentException Strides(in fovea_tensor native, long* strides, string reason)
    {
        long[] shape = new long[native.rank], given = new long[native.rank];
        for (var i = 0; i < native.rank; i++) (shape[i], given[i]) = (native.shape[i], strides[i]);
        return Refused($"shape [{string.Join(", ", shape)}] has strides [{string.Join(", ", given)}]: {reason}");
    }

    private static ArgumentException Refused(string reason) => new($"DLPack: the tensor cannot be taken over: {reason}");
}
