namespace Fovea.Data;

/// <summary>The usual normaliser of a numeric column: (x - Mean) / Deviation, rounded to a float after each step as TensorFlow
/// does with float32.</summary>
/// <param name="Mean">What is subtracted.</param>
/// <param name="Deviation">What the difference is divided by; not 0.</param>
public readonly record struct Standardizer(float Mean, float Deviation)
{
    /// <summary>The normalised value.</summary>
    public double Apply(double value) => (float)(value - Mean) / Deviation;
}
