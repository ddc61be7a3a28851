namespace Fovea.Detection;

/// <summary>Settings of a <see cref="TinyYoloFaceSession"/>; the thresholds are those of face-api.js.</summary>
public sealed record TinyYoloFaceOptions
{
    /// <summary>Least probability (&gt;) of a reported face.</summary>
    public float Threshold { get; init; } = 0.5f;

    /// <summary>A face falls to a better one when their boxes overlap more than this.</summary>
    public float IouThreshold { get; init; } = 0.4f;

    /// <summary>How the image is scaled to the network's input.</summary>
    public ResizeMode Resampling { get; init; } = ResizeMode.Bilinear;

    /// <summary>Most faces reported per image.</summary>
    public int MaxDetections { get; init; } = 64;

    /// <summary>Image sizes whose captured graphs are kept; the least recently used is dropped.</summary>
    public int MaxCachedSizes { get; init; } = 4;

    internal void Validate()
    {
        if (!(Threshold is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(Threshold), Threshold, "A threshold is a probability between 0 and 1.");
        if (!(IouThreshold is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(IouThreshold), IouThreshold, "An overlap lies between 0 and 1.");
        if (Resampling is not (ResizeMode.Area or ResizeMode.Bilinear))
            throw new ArgumentOutOfRangeException(nameof(Resampling), Resampling, "The resampling must be Area or Bilinear.");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDetections, 1, nameof(MaxDetections));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxCachedSizes, 1, nameof(MaxCachedSizes));
    }
}
