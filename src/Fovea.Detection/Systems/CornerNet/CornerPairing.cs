namespace Fovea.Detection.Systems;

/// <summary>How CornerNet makes boxes of corners; the defaults are the paper's.</summary>
internal readonly record struct CornerPairing
{
    public CornerPairing()
    {
    }

    /// <summary>Best corners of each kind that are looked at.</summary>
    public int Corners { get; init; } = 100;

    /// <summary>Best pairs that are kept.</summary>
    public int Pairs { get; init; } = 1000;

    /// <summary>Pairs whose tags differ more are none.</summary>
    public float MaxTagDifference { get; init; } = 0.5f;
}
