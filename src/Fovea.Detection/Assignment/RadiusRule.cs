namespace Fovea.Detection.Assignment;

/// <summary>How far a corner may move before its box is another one; see <see cref="GaussianHeatMap.Radius"/>.</summary>
public enum RadiusRule
{
    /// <summary>The smallest root of the three quadratic equations: what CornerNet's paper describes.</summary>
    Corrected = 0,

    /// <summary>(b + sqrt(D))/2 for each equation, without division by the leading coefficient: what the code of CornerNet and CenterNet computes,
    /// a larger radius for which boxes need not overlap as much as asked.</summary>
    Published = 1,
}
