using System.Numerics;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>Sizes and first values of S4D (Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models",
/// 2022).</summary>
public sealed record S4DOptions
{
    /// <summary>Sizes for a model of this width.</summary>
    /// <param name="width">Channels, each with a state space of its own.</param>
    public S4DOptions(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Width = width;
    }

    /// <summary>Channels.</summary>
    public int Width { get; }

    /// <summary>N, real states per channel: N/2 complex numbers, each standing for itself and its conjugate. Even.</summary>
    public int StateSize { get; init; } = 64;

    /// <summary>First values of A.</summary>
    public S4DInit Init { get; init; } = S4DInit.LegS;

    /// <summary><see cref="Discretization.Exact"/> (zero-order hold) or <see cref="Discretization.Bilinear"/>.</summary>
    public Discretization Rule { get; init; } = Discretization.Exact;

    /// <summary>Smallest first step size; step sizes are drawn log-uniformly.</summary>
    public double SmallestStep { get; init; } = 0.001;

    /// <summary>Largest first step size.</summary>
    public double LargestStep { get; init; } = 0.1;

    /// <summary>The first A <c>[N/2]</c> of every channel.</summary>
    public static Complex[] Diagonal(S4DInit init, int stateSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stateSize, 2);
        if (stateSize % 2 != 0) throw new ArgumentException($"the number of states must be even, it is {stateSize}", nameof(stateSize));
        if (init == S4DInit.LegS) return [.. DiagonalPlusLowRank.LegS(stateSize).Lambda];
        var diagonal = new Complex[stateSize / 2];
        for (var n = 0; n < diagonal.Length; n++)
            diagonal[n] = init switch
            {
                S4DInit.Lin => new Complex(-0.5, Math.PI * n),
                S4DInit.Inv => new Complex(-0.5, stateSize / Math.PI * (stateSize / (2.0 * n + 1) - 1)),
                S4DInit.Real => new Complex(-(n + 1), 0),
                _ => throw new ArgumentOutOfRangeException(nameof(init), init, "unknown init"),
            };
        return diagonal;
    }

    internal double DrawStep(Random random) => Math.Exp(Math.Log(SmallestStep) + random.NextDouble() * Math.Log(LargestStep / SmallestStep));
}
