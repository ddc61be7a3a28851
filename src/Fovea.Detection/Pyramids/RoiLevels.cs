namespace Fovea.Detection.Pyramids;

/// <summary>From which level of a feature pyramid a box takes its features (Lin et al., 2017, equation 1): a box of 224 by 224 pixels from P4,
/// one of half the side from P3.</summary>
public static class RoiLevels
{
    private const double Level = 4;

    // A box of exactly 224 by 224 must not fall to P3 by a rounding.
    private const double Epsilon = 1e-6;

    /// <summary>The level of a box, between <paramref name="finest"/> and <paramref name="coarsest"/>.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="finest">Logarithm of the finest level's stride.</param>
    /// <param name="coarsest">Logarithm of the coarsest level's stride.</param>
    /// <param name="side">Of a square that takes its features from P4, whose stride is 16.</param>
    public static int Of(double width, double height, int finest = 2, int coarsest = 5, double side = 224) =>
        (int)Math.Clamp(Math.Floor(Level + Math.Log2(Math.Sqrt(width * height) / side) + Epsilon), finest, coarsest);

    /// <summary>The area from which on boxes take their features from <paramref name="level"/> or a coarser one.</summary>
    internal static double LeastArea(int level, double side) => side * side * Math.Pow(4, level - Level - Epsilon);
}
