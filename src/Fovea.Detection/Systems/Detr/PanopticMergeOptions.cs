namespace Fovea.Detection.Systems;

/// <summary>How <see cref="PanopticMerge"/> judges queries and segments.</summary>
public sealed record PanopticMergeOptions
{
    /// <summary>Queries whose best class is not more probable than this are dropped.</summary>
    public float ScoreThreshold { get; init; } = 0.85f;

    /// <summary>Segments of at most so many pixels are dropped.</summary>
    public int SmallArea { get; init; } = 4;

    /// <summary>As DETR's authors do it: masks of one stuff class become one segment before the first look at areas alone. The queries whose
    /// pixels went to another one then have no area and are dropped, and their pixels are given out anew among those that are left, so
    /// part of the stuff may go to other segments. False: they stay together to the end.</summary>
    public bool MergesStuffOnce { get; init; } = true;
}
