namespace Fovea.Interop.DLPack;

/// <summary>Version of a <see cref="DLManagedTensorVersioned"/>. Another major version has another layout.</summary>
public struct DLPackVersion
{
    /// <summary>The major version spoken here.</summary>
    public const uint Major = 1;

    /// <summary>The minor version spoken here.</summary>
    public const uint Minor = 0;

    /// <summary>Changes with the layout.</summary>
    public uint major;

    /// <summary>Changes with additions.</summary>
    public uint minor;
}
