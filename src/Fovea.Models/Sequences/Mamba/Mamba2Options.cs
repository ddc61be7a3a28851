namespace Fovea.Models.Sequences.Mamba;

/// <summary>Sizes of a Mamba-2 mixer (Dao and Gu, "Transformers are SSMs", 2024).</summary>
public sealed record Mamba2Options
{
    /// <summary>Sizes for a model of this width.</summary>
    public Mamba2Options(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Width = width;
    }

    /// <summary>Features of the input and output.</summary>
    public int Width { get; }

    /// <summary>Rows of a head's state.</summary>
    public int StateSize { get; init; } = 128;

    /// <summary>Inner channels per feature.</summary>
    public int Expand { get; init; } = 2;

    /// <summary>Inner channels of a head, which share a decay.</summary>
    public int HeadSize { get; init; } = 64;

    /// <summary>Groups of heads that share B and C.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Taps of the depthwise convolution, at most 16.</summary>
    public int ConvolutionSize { get; init; } = 4;

    /// <summary>Positions per chunk of the parallel form; 0 for a choice by shape. Changes results by rounding only.</summary>
    public int Chunk { get; init; }

    /// <summary>Inner channels.</summary>
    public int Inner => Width * Expand;

    /// <summary>Heads.</summary>
    public int Heads => Inner / HeadSize;

    /// <summary>Numbers in the parameters of one mixer.</summary>
    public long ParameterCount
    {
        get
        {
            long shared = 2L * Groups * StateSize;
            return Width * (2L * Inner + shared + Heads) + (Inner + shared) * (ConvolutionSize + 1) + 3L * Heads + Inner + (long)Inner * Width;
        }
    }

    internal void Validate()
    {
        if (Inner % HeadSize != 0 || Heads % Groups != 0)
            throw new ArgumentException($"{Inner} inner channels in heads of {HeadSize} and {Groups} groups do not divide");
    }
}
