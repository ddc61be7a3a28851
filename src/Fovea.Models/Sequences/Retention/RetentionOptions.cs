namespace Fovea.Models.Sequences.Retention;

/// <summary>Sizes of multi-scale retention (Sun et al., "Retentive Network: A Successor to Transformer for Large Language Models",
/// 2023).</summary>
public sealed record RetentionOptions
{
    /// <summary>Sizes for a model of this width.</summary>
    /// <param name="width">Features; a multiple of twice the heads.</param>
    /// <param name="heads">Heads; head h decays by 1 - 2^(-5-h) per position.</param>
    public RetentionOptions(int width, int heads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
        if (width % (2 * heads) != 0) throw new ArgumentException($"{width} features do not divide into pairs of {heads} heads", nameof(width));
        (Width, Heads) = (width, heads);
    }

    /// <summary>Features of the input and output.</summary>
    public int Width { get; }

    /// <summary>Heads.</summary>
    public int Heads { get; }

    /// <summary>Features of the values, of all heads together, per feature of the input.</summary>
    public int ValueFactor { get; init; } = 2;

    /// <summary>Positions per chunk of the parallel form; 0 for a choice by shape. Changes results by rounding only.</summary>
    public int Chunk { get; init; }

    /// <summary>Size of a head's keys.</summary>
    public int KeySize => Width / Heads;

    /// <summary>Size of a head's values.</summary>
    public int ValueSize => Width * ValueFactor / Heads;

    /// <summary>The decay of a head per position.</summary>
    public static double Decay(int head) => 1 - Math.Pow(2, -5 - head);

    /// <summary>The angle of a pair of key features per position: 10000^-(i/(pairs-1)).</summary>
    public double Angle(int pair) => KeySize == 2 ? 1 : Math.Pow(10000, -(double)pair / (KeySize / 2 - 1));
}
