namespace Fovea.Interop.DLPack;

/// <summary>A tensor with its owner, as DLPack had it before version 1.0 ("dltensor" capsules).</summary>
public unsafe struct DLManagedTensor
{
    /// <summary>The tensor.</summary>
    public DLTensor dl_tensor;

    /// <summary>The producer's own.</summary>
    public void* manager_ctx;

    /// <summary>Gives the tensor back, this struct included. May be null when there is nothing to give back.</summary>
    public delegate* unmanaged[Cdecl]<DLManagedTensor*, void> deleter;
}
