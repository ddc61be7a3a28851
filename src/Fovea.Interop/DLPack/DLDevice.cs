namespace Fovea.Interop.DLPack;

/// <summary>DLPack's device: kind and index. The kinds are those of <c>fovea_device_type</c>.</summary>
public struct DLDevice
{
    /// <summary>1 CPU, 2 CUDA, 3 pinned host memory of CUDA, 12 extension device, 13 managed memory of CUDA.</summary>
    public int device_type;

    /// <summary>Index among the devices of the kind.</summary>
    public int device_id;
}
