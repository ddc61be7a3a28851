using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fovea.Interop;
using Fovea.Interop.DLPack;

namespace Fovea.Tests.Interop;

/// <summary>A managed tensor as another library would make it, to be spoilt by tests. Its deleter counts; everything goes at
/// Dispose.</summary>
internal sealed unsafe class ForeignTensor : IDisposable
{
    private readonly int* _deleted = (int*)NativeMemory.AllocZeroed(sizeof(int));
    private readonly long* _sizes;

    public ForeignTensor(DeviceType type, int id, void* data, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        _sizes = (long*)NativeMemory.AllocZeroed(16 * sizeof(long));
        shape.CopyTo(new Span<long>(_sizes, 8));
        strides.CopyTo(new Span<long>(_sizes + 8, 8));
        var tensor = new DLTensor
        {
            data = data,
            device = new DLDevice { device_type = (int)type, device_id = id },
            ndim = shape.Length,
            dtype = new fovea_dtype { code = (byte)fovea_dtype_code.FOVEA_FLOAT, bits = 32, lanes = 1 },
            shape = _sizes,
            strides = strides.IsEmpty ? null : _sizes + 8,
        };
        Versioned = (DLManagedTensorVersioned*)NativeMemory.AllocZeroed((nuint)sizeof(DLManagedTensorVersioned));
        *Versioned = new DLManagedTensorVersioned
        {
            version = new DLPackVersion { major = 1, minor = 3 },
            manager_ctx = _deleted,
            deleter = &Delete,
            dl_tensor = tensor,
        };
        Unversioned = (DLManagedTensor*)NativeMemory.AllocZeroed((nuint)sizeof(DLManagedTensor));
        *Unversioned = new DLManagedTensor { manager_ctx = _deleted, deleter = &DeleteUnversioned, dl_tensor = tensor };
    }

    public DLManagedTensorVersioned* Versioned { get; }

    public DLManagedTensor* Unversioned { get; }

    /// <summary>How often the deleter was called.</summary>
    public int Deleted => *_deleted;

    public DLPackHandle Handle(bool versioned = true) => new(versioned ? (nint)Versioned : (nint)Unversioned, versioned);

    public void Dispose()
    {
        NativeMemory.Free(Versioned);
        NativeMemory.Free(Unversioned);
        NativeMemory.Free(_sizes);
        NativeMemory.Free(_deleted);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Delete(DLManagedTensorVersioned* managed) => Interlocked.Increment(ref *(int*)managed->manager_ctx);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void DeleteUnversioned(DLManagedTensor* managed) => Interlocked.Increment(ref *(int*)managed->manager_ctx);
}
