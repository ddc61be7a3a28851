namespace Fovea.Detection.Pyramids;

/// <summary>From which level of a feature pyramid a box takes its features (Lin et al., 2017, equation 1): a box of 224 by 224 pixels from P4,
/// one of half the side from P3.</summary>
public static class RoiLevels
{
    private const double Side = 224, Level = 4;

    // A box of exactly 224 by 224 must not fall to P3 by a rounding.
    private const double Epsilon = 1e-6;

    /// <summary>The level of a box, between <paramref name="finest"/> and <paramref name="coarsest"/>.</summary>
    public static int Of(double width, double height, int finest = 2, int coarsest = 5) =>
        (int)Math.Clamp(Math.Floor(Level + Math.Log2(Math.Sqrt(width * height) / Side) + Epsilon), finest, coarsest);
}
