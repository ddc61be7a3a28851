namespace Fovea.Models;

/// <summary>TensorFlow's SAME padding: an output of <c>ceil(size / stride)</c>, the smaller half of the zeros first.</summary>
internal static class SamePadding
{
    /// <summary>A square convolution with this stride, padded for inputs of side <paramref name="side"/>; 0 stands for any multiple of the
    /// stride.</summary>
    public static Conv2DOptions Same(this Conv2DOptions options, int stride, int side = 0)
    {
        // The last window begins at the last multiple of the stride: that many elements of the image are left for it.
        int left = side % stride == 0 ? stride : side % stride;
        int padding = Math.Max(options.KernelHeight - left, 0), before = padding / 2, after = padding - before;
        return options with { Stride = stride, PadTop = before, PadLeft = before, PadBottom = after, PadRight = after };
    }
}
