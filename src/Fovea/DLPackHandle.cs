using System.Runtime.InteropServices;
using Fovea.Interop.DLPack;

namespace Fovea;

/// <summary>Owner of a managed tensor in DLPack's form, from <see cref="DeviceTensor.ToDLPack"/> or from another library. Disposing
/// calls the tensor's deleter, once, unless <see cref="Detach"/> gave the tensor away.</summary>
public sealed unsafe class DLPackHandle : SafeHandle
{
    /// <summary>Takes a managed tensor over: <paramref name="managed"/> points to a <see cref="DLManagedTensorVersioned"/>, or to a
    /// <see cref="DLManagedTensor"/> where <paramref name="isVersioned"/> is false.</summary>
    public DLPackHandle(nint managed, bool isVersioned) : base(0, ownsHandle: true)
    {
        IsVersioned = isVersioned;
        SetHandle(managed);
    }

    /// <summary>Which of the two forms it has; the pointer itself does not tell.</summary>
    public bool IsVersioned { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The managed tensor, for a library that takes it over: from here on its deleter is that library's to call.</summary>
    /// <exception cref="ObjectDisposedException">It was given away or disposed before.</exception>
    public nint Detach()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        var managed = handle;
        SetHandleAsInvalid();
        return managed;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Delete(handle, IsVersioned);
        return true;
    }

    /// <summary>Calls the deleter, if the producer gave one.</summary>
    internal static void Delete(nint managed, bool isVersioned)
    {
        if (isVersioned)
        {
            var tensor = (DLManagedTensorVersioned*)managed;
            if (tensor->deleter != null) tensor->deleter(tensor);
        }
        else
        {
            var tensor = (DLManagedTensor*)managed;
            if (tensor->deleter != null) tensor->deleter(tensor);
        }
    }
}
