namespace Fovea.Models.Sequences.Mamba;

/// <summary>Sizes of a Mamba mixer (Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023).</summary>
public sealed record MambaOptions
{
    /// <summary>Sizes for a model of this width.</summary>
    public MambaOptions(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Width = width;
    }

    /// <summary>Features of the input and output.</summary>
    public int Width { get; }

    /// <summary>States per inner channel, at most 256.</summary>
    public int StateSize { get; init; } = 16;

    /// <summary>Inner channels per feature.</summary>
    public int Expand { get; init; } = 2;

    /// <summary>Taps of the depthwise convolution, at most 16.</summary>
    public int ConvolutionSize { get; init; } = 4;

    /// <summary>Rank of the projection to step sizes; 0: width / 16, rounded up.</summary>
    public int StepRank { get; init; }

    /// <summary>Inner channels.</summary>
    public int Inner => Width * Expand;

    /// <summary>The rank in use.</summary>
    public int Rank => StepRank > 0 ? StepRank : (Width + 15) / 16;

    /// <summary>Numbers in the parameters of one mixer.</summary>
    public long ParameterCount =>
        2L * Inner * Width + Inner * (ConvolutionSize + 1L) + (Rank + 2L * StateSize) * Inner + Inner * (Rank + 1L) + Inner * (StateSize + 1L) + (long)Width * Inner;
}
