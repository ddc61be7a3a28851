namespace Fovea.Detection;

/// <summary>What the published implementations of the cascade disagree on: the pixel a box edge means and how edges become whole
/// pixels.</summary>
public enum MtcnnConvention
{
    /// <summary>Pixels count from 0 and coordinates are rounded to the nearest, as most ports do.</summary>
    ZeroBased = 0,

    /// <summary>Pixels count from 1 and coordinates are truncated toward zero, as in facenet's <c>detect_face</c> and the Matlab
    /// original.</summary>
    Facenet = 1,
}
