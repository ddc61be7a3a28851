using Fovea.Interop;

namespace Fovea;

/// <summary>How deltas move boxes.</summary>
public readonly record struct BoxDeltasOptions
{
    /// <summary>What the deltas mean.</summary>
    public DeltaMode Mode { get; init; }

    /// <summary>Widths and heights with +1.</summary>
    public bool PlusOne { get; init; }

    internal fovea_box_deltas_params ToNative() => new()
    {
        mode = (int)Mode,
        plus_one = PlusOne ? 1 : 0,
    };
}
