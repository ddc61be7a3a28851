namespace Fovea.Data;

/// <summary>What the scenes of a <see cref="SceneGenerator"/> look like.</summary>
public sealed record SceneOptions
{
    /// <summary>Columns.</summary>
    public int Width { get; init; } = 96;

    /// <summary>Rows.</summary>
    public int Height { get; init; } = 96;

    /// <summary>Least number of objects.</summary>
    public int MinObjects { get; init; } = 1;

    /// <summary>Largest number of objects; fewer where no place is found.</summary>
    public int MaxObjects { get; init; } = 4;

    /// <summary>Least longer side of an object, in pixels.</summary>
    public double MinSize { get; init; } = 14;

    /// <summary>Largest longer side of an object, in pixels.</summary>
    public double MaxSize { get; init; } = 48;

    /// <summary>Largest IoU of two boxes of a scene: 0 for objects apart from each other, 0.7 for crowds.</summary>
    public double MaxOverlap { get; init; } = 0.1;
}
