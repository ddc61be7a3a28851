using Fovea.Interop;

namespace Fovea;

/// <summary>A transposed convolution: the shape-reversing counterpart of a convolution with the same numbers.</summary>
public readonly record struct ConvTranspose2DOptions
{
    /// <summary>Channels, kernel, stride, padding, dilation, groups and activation. Its input is this operation's input.</summary>
    public Conv2DOptions Conv { get; init; }

    /// <summary>Rows added at the bottom of y, below max(stride, dilation): strides leave the size of y ambiguous.</summary>
    public int OutputPadHeight { get; init; }

    /// <summary>Columns added at the right of y.</summary>
    public int OutputPadWidth { get; init; }

    /// <summary>Size of y for an x of the given size.</summary>
    public (long Height, long Width) OutputSize(long height, long width) => (
        (height - 1) * Conv.StrideHeight - Conv.PadTop - Conv.PadBottom + Conv.DilationHeight * (Conv.KernelHeight - 1L) + 1 + OutputPadHeight,
        (width - 1) * Conv.StrideWidth - Conv.PadLeft - Conv.PadRight + Conv.DilationWidth * (Conv.KernelWidth - 1L) + 1 + OutputPadWidth);

    internal fovea_conv_transpose2d_params ToNative() => new()
    {
        conv = Conv.ToNative(),
        output_pad_h = OutputPadHeight,
        output_pad_w = OutputPadWidth,
    };
}
