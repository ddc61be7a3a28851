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

    /// <summary>Least longer side of an object, in pixels: at least 4.</summary>
    public double MinSize { get; init; } = 14;

    /// <summary>Largest longer side of an object, in pixels; what does not fit into the image is not drawn.</summary>
    public double MaxSize { get; init; } = 48;

    /// <summary>Largest IoU of two boxes of a scene, 0 to 0.9: 0 for objects apart from each other, 0.7 for crowds.</summary>
    public double MaxOverlap { get; init; } = 0.1;

    /// <summary>The part of every object's pixels that stays in sight, 0 to 1: a later object that would cover more finds another
    /// place. At 0 objects may vanish behind others.</summary>
    public double MinVisible { get; init; } = 0.25;

    /// <summary>Places that objects gather around; 0: they are anywhere.</summary>
    public int Clusters { get; init; }

    /// <summary>Farthest distance of an object's centre from its gathering place along each axis, in pixels.</summary>
    public double ClusterRadius { get; init; } = 16;

    /// <summary>Shapes to draw, each a class, in this order.</summary>
    public IReadOnlyList<SceneShape> Shapes { get; init; } = [SceneShape.Square, SceneShape.Disc, SceneShape.Triangle];

    /// <summary>Pictures to paste beside the shapes, such as <see cref="FashionMnist"/>'s; their classes follow those of the shapes.</summary>
    public ItemImages? Items { get; init; }

    /// <summary>Grounds to choose from.</summary>
    public IReadOnlyList<SceneGround> Grounds { get; init; } = [SceneGround.Waves];

    /// <summary>Standard deviation of noise over the finished scene, in grey levels.</summary>
    public double Noise { get; init; }

    /// <summary>Largest radius of the blur over the finished scene, in pixels; each scene draws its own from 0. Masks stay sharp.</summary>
    public int Blur { get; init; }

    /// <summary>Whether objects carry masks, which are as large as the image each.</summary>
    public bool HasMasks { get; init; } = true;

    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require(Width is >= 4 and <= MaxSide && Height is >= 4 and <= MaxSide, $"a scene has sides from 4 to {MaxSide} pixels, not {Width}x{Height}");
        Require(MinObjects >= 0 && MaxObjects >= MinObjects && MaxObjects < MaxSide, $"from {MinObjects} to {MaxObjects} objects is no range");
        Require(MinSize >= 4 && MaxSize >= MinSize && double.IsFinite(MaxSize), $"sizes from {MinSize} to {MaxSize} pixels are no range from 4 on");
        Require(MinSize <= Math.Min(Width, Height), $"objects of {MinSize} pixels do not fit into {Width}x{Height}");
        Require(MaxOverlap is >= 0 and <= 0.9, $"{nameof(MaxOverlap)} lies between 0 and 0.9, not at {MaxOverlap}");
        Require(MinVisible is >= 0 and <= 1, $"{nameof(MinVisible)} lies between 0 and 1, not at {MinVisible}");
        Require(Clusters is >= 0 and < MaxSide, $"{nameof(Clusters)} is {Clusters}");
        Require(ClusterRadius >= 0 && double.IsFinite(ClusterRadius), $"{nameof(ClusterRadius)} is {ClusterRadius}");
        Require(Noise is >= 0 and <= 255, $"{nameof(Noise)} lies between 0 and 255, not at {Noise}");
        Require(Blur is >= 0 and <= 64, $"{nameof(Blur)} lies between 0 and 64, not at {Blur}");
        Require(Grounds.Count > 0 && Grounds.All(Enum.IsDefined), "there is no ground, or an unknown one");
        Require(Shapes.All(Enum.IsDefined) && Shapes.Distinct().Count() == Shapes.Count, "a shape is unknown or occurs twice");
        Require(Shapes.Count > 0 || Items is not null, "there is nothing to draw");
    }

    private const int MaxSide = 16384;

    private static void Require(bool holds, string problem)
    {
        if (!holds) throw new ArgumentException(problem);
    }
}
