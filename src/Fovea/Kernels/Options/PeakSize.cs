namespace Fovea;

/// <summary>What a size map says of the box around a peak.</summary>
public enum PeakSize
{
    /// <summary>Width and height, centred at the peak.</summary>
    Extent = 0,

    /// <summary>Distances from the peak to the left, top, right and bottom edge.</summary>
    Distances = 1,
}
