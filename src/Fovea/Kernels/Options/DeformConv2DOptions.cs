using Fovea.Interop;

namespace Fovea;

/// <summary>A deformable convolution: a convolution whose taps sample its input at offsets of their own.</summary>
public readonly record struct DeformConv2DOptions
{
    /// <summary>One offset group; the convolution must be set.</summary>
    public DeformConv2DOptions()
    {
    }

    /// <summary>Channels, kernel, strides, padding, groups and activation; the algorithm must be left to the kernel.</summary>
    public Conv2DOptions Conv { get; init; }

    /// <summary>Parts of the input channels, neighbours lying together, that have offsets and masks of their own.</summary>
    public int OffsetGroups { get; init; } = 1;

    /// <summary>Channels of the offsets: (y, x) for each tap of each offset group. A mask has half as many.</summary>
    public long OffsetChannels => 2L * OffsetGroups * Conv.KernelHeight * Conv.KernelWidth;

    /// <summary>Size of y for an x of the given size.</summary>
    public (long Height, long Width) OutputSize(long height, long width) => Conv.OutputSize(height, width);

    internal fovea_deform_conv2d_params ToNative() => new() { conv = Conv.ToNative(), offset_groups = OffsetGroups };
}
