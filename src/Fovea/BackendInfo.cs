namespace Fovea;

/// <summary>One backend that was found, usable or refused.</summary>
/// <param name="Name">"cpu", "cuda", ...; the file's path when it never said.</param>
/// <param name="Origin">File it came from, or "built in".</param>
/// <param name="RefusalReason">Why it cannot be used; null when it can.</param>
/// <param name="DeviceCount">Devices it offers.</param>
/// <param name="AbiVersion">ABI version it was built for; 0 when it never said.</param>
public sealed record BackendInfo(string Name, string Origin, string? RefusalReason, int DeviceCount, int AbiVersion)
{
    /// <summary>Whether the backend's devices can be opened.</summary>
    public bool IsUsable => RefusalReason is null;
}
