using Fovea.Interop;

namespace Fovea;

/// <summary>How box-relative points become image pixels.</summary>
public readonly record struct BoxPointsOptions
{
    /// <summary>x = (x2 - x1 + 1)*p + x1 - 1 (MTCNN, 1-based boxes) instead of (x2 - x1)*p + x1.</summary>
    public bool PlusOne { get; init; }

    /// <summary>Input points are x1..xP, y1..yP instead of x1, y1, ...</summary>
    public bool Planar { get; init; }

    internal fovea_box_points_params ToNative() => new()
    {
        plus_one = PlusOne ? 1 : 0,
        planar = Planar ? 1 : 0,
    };
}
