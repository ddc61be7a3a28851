using Fovea.Models.Blocks;

namespace Fovea.Models.Backbones;

/// <summary>Sizes of a <see cref="StackedHourglass"/>. The defaults are CornerNet's, Hourglass-104.</summary>
public sealed record HourglassOptions
{
    /// <summary>Channels behind the first convolution, of stride 2.</summary>
    public int StemChannels { get; init; } = 128;

    /// <summary>Channels of each size of map, finest first; one halving between two.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [256, 256, 384, 384, 384, 512];

    /// <summary>Residual blocks in a row at each size.</summary>
    public IReadOnlyList<int> Blocks { get; init; } = [2, 2, 2, 2, 2, 4];

    /// <summary>Hourglasses one behind the other.</summary>
    public int Stacks { get; init; } = 2;

    /// <summary>Channels of each stack's result.</summary>
    public int Channels { get; init; } = 256;

    /// <summary>Normalisation and activation of all convolutions.</summary>
    public ConvStyle Style { get; init; } = new();
}
