namespace Fovea;

/// <summary>How the overlap of two boxes is measured.</summary>
public enum Overlap
{
    /// <summary>Intersection over union.</summary>
    Union = 0,

    /// <summary>Intersection over the smaller area.</summary>
    Min = 1,
}
