using Fovea.Interop;

namespace Fovea;

/// <summary>One resampled crop per box.</summary>
public readonly record struct CropResizeOptions
{
    /// <summary>Creates the defaults.</summary>
    public CropResizeOptions()
    {
    }

    /// <summary>The interpolation: nearest, bilinear or area. Scale and offset apply to padding too.</summary>
    public ResizeOptions Resize { get; init; } = new();

    /// <summary>A box covers the 1-based pixels x1..x2 inclusive (Matlab and MTCNN) instead of [x1, x2).</summary>
    public bool PlusOne { get; init; }

    /// <summary>Value outside the image, in input units; it takes part in the resampling.</summary>
    public float PadValue { get; init; }

    internal fovea_crop_resize_params ToNative() => new()
    {
        resize = Resize.ToNative(),
        plus_one = PlusOne ? 1 : 0,
        pad_value = PadValue,
    };
}
