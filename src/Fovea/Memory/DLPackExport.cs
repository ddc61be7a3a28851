using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fovea.Interop;
using Fovea.Interop.DLPack;

namespace Fovea;

/// <summary>Builds what other libraries get: one block with the managed tensor, its sizes and its strides, whose deleter leaves
/// the lease. Deleters may be called from any thread, also after the stream and the pool were disposed.</summary>
internal static unsafe class DLPackExport
{
    /// <summary>The caller is inside <paramref name="lease"/>; the deleter leaves it.</summary>
    public static DLManagedTensorVersioned* Versioned(in DLTensor tensor, ReadOnlySpan<long> shape, long pitch, MemoryLease lease)
    {
        var managed = (DLManagedTensorVersioned*)NativeMemory.AllocZeroed((nuint)(sizeof(DLManagedTensorVersioned) + Sizes(shape)));
        managed->version = new DLPackVersion { major = DLPackVersion.Major, minor = DLPackVersion.Minor };
        managed->manager_ctx = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(lease));
        managed->deleter = &DeleteVersioned;
        managed->dl_tensor = tensor;
        Describe(ref managed->dl_tensor, (long*)(managed + 1), shape, pitch);
        return managed;
    }

    /// <summary>As <see cref="Versioned"/>, for libraries from before DLPack 1.0.</summary>
    public static DLManagedTensor* Unversioned(in DLTensor tensor, ReadOnlySpan<long> shape, long pitch, MemoryLease lease)
    {
        var managed = (DLManagedTensor*)NativeMemory.AllocZeroed((nuint)(sizeof(DLManagedTensor) + Sizes(shape)));
        managed->manager_ctx = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(lease));
        managed->deleter = &DeleteUnversioned;
        managed->dl_tensor = tensor;
        Describe(ref managed->dl_tensor, (long*)(managed + 1), shape, pitch);
        return managed;
    }

    private static int Sizes(ReadOnlySpan<long> shape) => 2 * shape.Length * sizeof(long);

    // Row-major, where only a row of the last dimension may be followed by a gap.
    private static void Describe(ref DLTensor tensor, long* sizes, ReadOnlySpan<long> shape, long pitch)
    {
        var rank = shape.Length;
        tensor.ndim = rank;
        tensor.shape = sizes;
        tensor.strides = sizes + rank;
        shape.CopyTo(new Span<long>(sizes, rank));
        for (var i = rank - 1; i >= 0; i--)
            tensor.strides[i] = i == rank - 1 ? 1 : i == rank - 2 ? pitch : tensor.strides[i + 1] * shape[i + 1];
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void DeleteVersioned(DLManagedTensorVersioned* managed) => Delete(managed, managed->manager_ctx);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void DeleteUnversioned(DLManagedTensor* managed) => Delete(managed, managed->manager_ctx);

    private static void Delete(void* managed, void* context)
    {
        var handle = GCHandle.FromIntPtr((nint)context);
        var lease = (MemoryLease)handle.Target!;
        handle.Free();
        NativeMemory.Free(managed);
        lease.Leave();
    }
}
