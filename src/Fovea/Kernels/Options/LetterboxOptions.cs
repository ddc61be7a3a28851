using System.Numerics;
using System.Runtime.CompilerServices;
using Fovea.Interop;

namespace Fovea;

/// <summary>Resizing into a part of y and filling the rest: y[..][c] = (v[c] - Mean[c]) * Scale[c].</summary>
public readonly record struct LetterboxOptions
{
    /// <summary>Creates the defaults.</summary>
    public LetterboxOptions()
    {
    }

    /// <summary>The interpolation; its scale and offset are ignored.</summary>
    public ResizeOptions Resize { get; init; } = new();

    /// <summary>Left column of the resized image in y.</summary>
    public int PlaceX { get; init; }

    /// <summary>Top row of the resized image in y.</summary>
    public int PlaceY { get; init; }

    /// <summary>Width of the resized image.</summary>
    public int PlaceWidth { get; init; }

    /// <summary>Height of the resized image.</summary>
    public int PlaceHeight { get; init; }

    /// <summary>Swaps RGB and BGR.</summary>
    public bool ReverseChannels { get; init; }

    /// <summary>Value of the rest, in input units, before mean and scale.</summary>
    public float PadValue { get; init; }

    /// <summary>Subtracted, per output channel.</summary>
    public Vector4 Mean { get; init; }

    /// <summary>Multiplied, per output channel.</summary>
    public Vector4 Scale { get; init; } = Vector4.One;

    /// <summary>The largest placement of an image that keeps its proportions, centred in a canvas.</summary>
    public static LetterboxOptions Fit(int imageWidth, int imageHeight, int canvasWidth, int canvasHeight)
    {
        var scale = Math.Min((double)canvasWidth / imageWidth, (double)canvasHeight / imageHeight);
        var width = Math.Clamp((int)Math.Round(imageWidth * scale), 1, canvasWidth);
        var height = Math.Clamp((int)Math.Round(imageHeight * scale), 1, canvasHeight);
        return new LetterboxOptions
        {
            PlaceX = (canvasWidth - width) / 2,
            PlaceY = (canvasHeight - height) / 2,
            PlaceWidth = width,
            PlaceHeight = height,
        };
    }

    internal fovea_letterbox_params ToNative() => new()
    {
        resize = Resize.ToNative(),
        place_x = PlaceX,
        place_y = PlaceY,
        place_w = PlaceWidth,
        place_h = PlaceHeight,
        reverse_channels = ReverseChannels ? 1 : 0,
        pad_value = PadValue,
        mean = Unsafe.BitCast<Vector4, fovea_letterbox_params._mean_e__FixedBuffer>(Mean),
        scale = Unsafe.BitCast<Vector4, fovea_letterbox_params._scale_e__FixedBuffer>(Scale),
    };
}
