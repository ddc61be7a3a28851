using Fovea.Interop;

namespace Fovea;

/// <summary>How to resample images.</summary>
public readonly record struct ResizeOptions
{
    /// <summary>Creates the defaults.</summary>
    public ResizeOptions()
    {
    }

    /// <summary>The interpolation.</summary>
    public ResizeMode Mode { get; init; } = ResizeMode.Bilinear;

    /// <summary>Bilinear and bicubic: corners map to corners; otherwise half-pixel centres.</summary>
    public bool AlignCorners { get; init; }

    /// <summary>Bilinear and bicubic: widen the kernel when shrinking, as Pillow does.</summary>
    public bool Antialias { get; init; }

    /// <summary>Bicubic: -0.75 as OpenCV, PyTorch and ONNX, or -0.5 as Pillow.</summary>
    public float CubicA { get; init; } = -0.75f;

    /// <summary>Float output: y = Scale*resized + Offset.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>See <see cref="Scale"/>.</summary>
    public float Offset { get; init; }

    internal fovea_resize_params ToNative() => new()
    {
        mode = (int)Mode,
        align_corners = AlignCorners ? 1 : 0,
        antialias = Antialias ? 1 : 0,
        cubic_a = CubicA,
        scale = Scale,
        offset = Offset,
    };
}
