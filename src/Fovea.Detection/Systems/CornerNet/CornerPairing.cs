namespace Fovea.Detection.Systems;

/// <summary>How CornerNet makes boxes of corners.</summary>
/// <param name="Corners">Best corners of each kind that are looked at.</param>
/// <param name="Pairs">Best pairs that are kept.</param>
/// <param name="MaxTagDifference">Pairs whose tags differ more are none.</param>
internal readonly record struct CornerPairing(int Corners = 100, int Pairs = 1000, float MaxTagDifference = 0.5f)
{
    /// <summary>The defaults: those of the paper.</summary>
    public CornerPairing() : this(100, 1000, 0.5f)
    {
    }
}
