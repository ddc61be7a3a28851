namespace Fovea.Interop.DLPack;

/// <summary>A tensor with its owner, from DLPack 1.0 on ("dltensor_versioned" capsules). Whatever the version, the fields up to
/// <see cref="deleter"/> mean the same.</summary>
public unsafe struct DLManagedTensorVersioned
{
    /// <summary>The memory must not be written to.</summary>
    public const ulong ReadOnly = 1;

    /// <summary>The producer copied the data for this export.</summary>
    public const ulong IsCopied = 2;

    /// <summary>Version of the layout.</summary>
    public DLPackVersion version;

    /// <summary>The producer's own.</summary>
    public void* manager_ctx;

    /// <summary>Gives the tensor back, this struct included. May be null when there is nothing to give back.</summary>
    public delegate* unmanaged[Cdecl]<DLManagedTensorVersioned*, void> deleter;

    /// <summary><see cref="ReadOnly"/>, <see cref="IsCopied"/>, and bits unknown here.</summary>
    public ulong flags;

    /// <summary>The tensor.</summary>
    public DLTensor dl_tensor;
}
