using Fovea.Interop;

namespace Fovea;

/// <summary>A selective scan.</summary>
public readonly record struct SelectiveScanOptions
{
    /// <summary>Creates the defaults.</summary>
    public SelectiveScanOptions()
    {
    }

    /// <summary>delta becomes softplus(delta + delta bias), as in Mamba; else delta + delta bias is used as it is.</summary>
    public bool DeltaSoftplus { get; init; }

    internal fovea_selective_scan_params ToNative() => new() { delta_softplus = DeltaSoftplus ? 1 : 0 };
}
