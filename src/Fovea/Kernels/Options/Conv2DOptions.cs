using Fovea.Interop;

namespace Fovea;

/// <summary>A 2-D convolution over [N][H][W][C] with weights [out][kh][kw][in/groups]. Groups equal to both channel counts make
/// it depthwise.</summary>
public readonly record struct Conv2DOptions
{
    /// <summary>Stride, dilation and groups 1, no padding, no activation; sizes must be set.</summary>
    public Conv2DOptions()
    {
    }

    /// <summary>A convolution with a square kernel.</summary>
    public Conv2DOptions(int inChannels, int outChannels, int kernel)
    {
        InChannels = inChannels;
        OutChannels = outChannels;
        KernelHeight = KernelWidth = kernel;
    }

    /// <summary>Channels of x.</summary>
    public int InChannels { get; init; }

    /// <summary>Channels of y.</summary>
    public int OutChannels { get; init; }

    /// <summary>Rows of the kernel.</summary>
    public int KernelHeight { get; init; }

    /// <summary>Columns of the kernel.</summary>
    public int KernelWidth { get; init; }

    /// <summary>Input rows from one output row to the next.</summary>
    public int StrideHeight { get; init; } = 1;

    /// <summary>Input columns from one output column to the next.</summary>
    public int StrideWidth { get; init; } = 1;

    /// <summary>Rows of zeros above x.</summary>
    public int PadTop { get; init; }

    /// <summary>Rows of zeros below x.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns of zeros left of x.</summary>
    public int PadLeft { get; init; }

    /// <summary>Columns of zeros right of x.</summary>
    public int PadRight { get; init; }

    /// <summary>Input rows from one kernel row to the next.</summary>
    public int DilationHeight { get; init; } = 1;

    /// <summary>Input columns from one kernel column to the next.</summary>
    public int DilationWidth { get; init; } = 1;

    /// <summary>Number of groups; input and output channels are divided among them.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Fused activation.</summary>
    public Activation Activation { get; init; }

    /// <summary>3x3 stride-1 layers may use Winograd's algorithm, whose error is a few times that of the direct sum. On unless
    /// refused.</summary>
    public bool AllowWinograd { get; init; } = true;

    /// <summary>A fixed algorithm instead of the cost model's choice. <see cref="Conv2DTuner"/> measures which is fastest. Weights must
    /// be prepared with the same options.</summary>
    public Conv2DAlgorithm Algorithm { get; init; }

    /// <summary>Sets both strides.</summary>
    public int Stride
    {
        init => StrideHeight = StrideWidth = value;
    }

    /// <summary>Sets the padding of all four sides.</summary>
    public int Padding
    {
        init => PadTop = PadBottom = PadLeft = PadRight = value;
    }

    /// <summary>Sets both dilations.</summary>
    public int Dilation
    {
        init => DilationHeight = DilationWidth = value;
    }

    /// <summary>Size of y for an x of the given size.</summary>
    public (long Height, long Width) OutputSize(long height, long width) => (
        (height + PadTop + PadBottom - DilationHeight * (KernelHeight - 1L) - 1) / StrideHeight + 1,
        (width + PadLeft + PadRight - DilationWidth * (KernelWidth - 1L) - 1) / StrideWidth + 1);

    internal fovea_conv2d_params ToNative() => new()
    {
        in_channels = InChannels,
        out_channels = OutChannels,
        kernel_h = KernelHeight,
        kernel_w = KernelWidth,
        stride_h = StrideHeight,
        stride_w = StrideWidth,
        pad_top = PadTop,
        pad_bottom = PadBottom,
        pad_left = PadLeft,
        pad_right = PadRight,
        dilation_h = DilationHeight,
        dilation_w = DilationWidth,
        groups = Groups,
        activation = Activation.ToNative(),
        allow_winograd = AllowWinograd ? 1 : 0,
        algorithm = (int)Algorithm,
    };
}
