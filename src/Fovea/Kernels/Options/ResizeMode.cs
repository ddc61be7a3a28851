namespace Fovea;

/// <summary>How images are resampled.</summary>
public enum ResizeMode
{
    /// <summary>Source index floor(i*in/out).</summary>
    Nearest = 0,

    /// <summary>Source index floor((i+0.5)*in/out).</summary>
    NearestExact = 1,

    /// <summary>Two by two neighbours.</summary>
    Bilinear = 2,

    /// <summary>Four by four neighbours.</summary>
    Bicubic = 3,

    /// <summary>Shrinking: mean of the source interval with fractional ends. Enlarging: OpenCV's INTER_AREA rule.</summary>
    Area = 4,
}
