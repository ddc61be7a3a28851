using Fovea.Interop;

namespace Fovea;

/// <summary>A depthwise convolution followed by a 1x1 convolution.</summary>
public readonly record struct SeparableConv2DOptions
{
    /// <summary>The depthwise part; groups equal both channel counts. Its activation is applied in between.</summary>
    public Conv2DOptions Depthwise { get; init; }

    /// <summary>Channels of y.</summary>
    public int OutChannels { get; init; }

    /// <summary>Activation of the 1x1 part.</summary>
    public Activation Activation { get; init; }

    /// <summary>A square depthwise kernel over the given channels, then 1x1.</summary>
    public static SeparableConv2DOptions Create(int channels, int outChannels, int kernel, int stride, int padding, Activation between, Activation activation) => new()
    {
        Depthwise = new Conv2DOptions(channels, channels, kernel) { Groups = channels, Stride = stride, Padding = padding, Activation = between },
        OutChannels = outChannels,
        Activation = activation,
    };

    /// <summary>Size of y for an x of the given size.</summary>
    public (long Height, long Width) OutputSize(long height, long width) => Depthwise.OutputSize(height, width);

    internal fovea_separable_conv2d_params ToNative() => new()
    {
        depthwise = Depthwise.ToNative(),
        out_channels = OutChannels,
        activation = Activation.ToNative(),
    };
}
