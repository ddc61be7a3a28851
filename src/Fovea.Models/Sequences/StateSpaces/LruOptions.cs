namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Sizes and first values of the linear recurrent unit (Orvieto et al., "Resurrecting Recurrent Neural Networks for Long
/// Sequences", 2023).</summary>
public sealed record LruOptions
{
    /// <summary>Sizes for a model of this width.</summary>
    /// <param name="width">Features of the input and output.</param>
    /// <param name="stateSize">Complex states.</param>
    public LruOptions(int width, int stateSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stateSize);
        (Width, StateSize) = (width, stateSize);
    }

    /// <summary>Features of the input and output.</summary>
    public int Width { get; }

    /// <summary>Complex states.</summary>
    public int StateSize { get; }

    /// <summary>Smallest |lambda|; the eigenvalues are uniform on the ring.</summary>
    public double SmallestRadius { get; init; }

    /// <summary>Largest |lambda|.</summary>
    public double LargestRadius { get; init; } = 1;

    /// <summary>Largest angle per step, in radians.</summary>
    public double LargestPhase { get; init; } = 6.28;

    /// <summary>The stored numbers of one eigenvalue lambda = exp(-exp(nu) + i exp(theta)) and of the scale exp(gamma) =
    /// sqrt(1 - |lambda|^2) of its input, which keeps the variance of white noise.</summary>
    /// <param name="radius">In [0, 1): place between the radii, by area.</param>
    /// <param name="angle">In (0, 1]: part of the largest phase.</param>
    public (double Nu, double Theta, double Gamma) Eigenvalue(double radius, double angle)
    {
        var (inner, outer) = (SmallestRadius * SmallestRadius, LargestRadius * LargestRadius);
        var squared = radius * (outer - inner) + inner;
        return (Math.Log(-0.5 * Math.Log(squared)), Math.Log(LargestPhase * angle), 0.5 * Math.Log(1 - squared));
    }
}
