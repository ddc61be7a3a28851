namespace Fovea.Data;

/// <summary>A shape that scenes are made of. It fills its box, which need not be a square.</summary>
public enum SceneShape
{
    /// <summary>The whole box.</summary>
    Square,

    /// <summary>The ellipse that touches the box's four sides, axes parallel to them.</summary>
    Disc,

    /// <summary>Tip in the middle of the upper side.</summary>
    Triangle,

    /// <summary>A <see cref="Disc"/> with a hole of 0.55 of its diameter.</summary>
    Ring,

    /// <summary>Two crossed bars, each a third of the box.</summary>
    Cross,

    /// <summary>Five tips, one of them up.</summary>
    Star,

    /// <summary>The middle third along the longer side.</summary>
    Bar,

    /// <summary>An ellipse that leans along the diagonal.</summary>
    Ellipse,

    /// <summary>A light <see cref="Disc"/> with two dark dots over a dark bar.</summary>
    Face,
}
