namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Sizes of S4 (Gu et al., "Efficiently Modeling Long Sequences with Structured State Spaces", 2022), whose A is HiPPO's
/// LegS.</summary>
public sealed record S4Options
{
    /// <summary>Sizes for a model of this width.</summary>
    /// <param name="width">Channels, each with a state space of its own.</param>
    public S4Options(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Width = width;
    }

    /// <summary>Channels.</summary>
    public int Width { get; }

    /// <summary>N, real states per channel; even.</summary>
    public int StateSize { get; init; } = 64;

    /// <summary>Smallest step size; step sizes are drawn log-uniformly.</summary>
    public double SmallestStep { get; init; } = 0.001;

    /// <summary>Largest step size.</summary>
    public double LargestStep { get; init; } = 0.1;
}
