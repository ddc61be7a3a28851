namespace Fovea.Detection;

/// <summary>Which of MediaPipe's face detectors.</summary>
public enum BlazeFaceRange
{
    /// <summary>Faces within about two metres: 128 x 128 pixels, the fastest.</summary>
    ShortRange,

    /// <summary>Faces up to about five metres away: 192 x 192 pixels.</summary>
    FullRange,

    /// <summary>The camera on a phone's back: 256 x 256 pixels, for smaller faces than <see cref="ShortRange"/>.</summary>
    BackCamera,
}
