using Fovea.Interop;

namespace Fovea;

/// <summary>A 2-D pooling over [N][H][W][C].</summary>
public readonly record struct Pool2DOptions
{
    /// <summary>Stride and dilation 1, no padding; the kernel must be set.</summary>
    public Pool2DOptions()
    {
    }

    /// <summary>A pooling with a square window.</summary>
    public Pool2DOptions(PoolMode mode, int kernel, int stride, int padding = 0)
    {
        Mode = mode;
        KernelHeight = KernelWidth = kernel;
        StrideHeight = StrideWidth = stride;
        PadTop = PadBottom = PadLeft = PadRight = padding;
    }

    /// <summary>What a window computes.</summary>
    public PoolMode Mode { get; init; }

    /// <summary>Rows of the window.</summary>
    public int KernelHeight { get; init; }

    /// <summary>Columns of the window.</summary>
    public int KernelWidth { get; init; }

    /// <summary>Input rows from one window to the next.</summary>
    public int StrideHeight { get; init; } = 1;

    /// <summary>Input columns from one window to the next.</summary>
    public int StrideWidth { get; init; } = 1;

    /// <summary>Rows of padding above x.</summary>
    public int PadTop { get; init; }

    /// <summary>Rows of padding below x.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns of padding left of x.</summary>
    public int PadLeft { get; init; }

    /// <summary>Columns of padding right of x.</summary>
    public int PadRight { get; init; }

    /// <summary>Distance of the window's rows; maximum only.</summary>
    public int DilationHeight { get; init; } = 1;

    /// <summary>Distance of the window's columns; maximum only.</summary>
    public int DilationWidth { get; init; } = 1;

    /// <summary>Rounds the output size up; a window that would start in the bottom or right padding is dropped.</summary>
    public bool CeilMode { get; init; }

    /// <summary>Averages divide by the cells inside the padded image instead of those inside the image.</summary>
    public bool CountIncludePad { get; init; }

    /// <summary>Size of y for an x of the given size.</summary>
    public (long Height, long Width) OutputSize(long height, long width) => (
        Output(height, KernelHeight, StrideHeight, PadTop, PadBottom, DilationHeight),
        Output(width, KernelWidth, StrideWidth, PadLeft, PadRight, DilationWidth));

    internal fovea_pool2d_params ToNative() => new()
    {
        mode = (int)Mode,
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
        ceil_mode = CeilMode ? 1 : 0,
        count_include_pad = CountIncludePad ? 1 : 0,
    };

    private long Output(long size, int kernel, int stride, int before, int after, int dilation)
    {
        var room = size + before + after - dilation * (kernel - 1L) - 1;
        var output = (room + (CeilMode ? stride - 1 : 0)) / stride + 1;
        return CeilMode && (output - 1) * stride >= size + before ? output - 1 : output;
    }
}
