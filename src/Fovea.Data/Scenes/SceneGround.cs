namespace Fovea.Data;

/// <summary>What lies behind the objects of a scene. Every ground has grain: uniform noise of +-12 grey levels.</summary>
public enum SceneGround
{
    /// <summary>A slow sine wave over one colour.</summary>
    Waves,

    /// <summary>From one colour to another across the image.</summary>
    Gradient,

    /// <summary>A board of two colours.</summary>
    Checks,

    /// <summary>Smooth blotches: noise on a coarse grid, interpolated.</summary>
    Clouds,
}
