using Fovea.Interop;

namespace Fovea;

/// <summary>A diagonal recurrence.</summary>
public readonly record struct DiagonalScanOptions
{
    /// <summary>Creates the defaults.</summary>
    public DiagonalScanOptions()
    {
    }

    /// <summary>Numbers are pairs re, im along the last dimension, which is then even.</summary>
    public bool Complex { get; init; }

    internal fovea_diagonal_scan_params ToNative() => new() { is_complex = Complex ? 1 : 0 };
}
