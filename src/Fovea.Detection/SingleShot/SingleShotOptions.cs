namespace Fovea.Detection;

/// <summary>Settings of detectors that look at the whole image once.</summary>
public abstract record SingleShotOptions
{
    /// <summary>Sets the default of <see cref="IouThreshold"/>.</summary>
    private protected SingleShotOptions(float iouThreshold) => IouThreshold = iouThreshold;

    /// <summary>Least probability (&gt;) of a reported object.</summary>
    public float Threshold { get; init; } = 0.5f;

    /// <summary>A detection falls to a better one when their boxes overlap more than this.</summary>
    public float IouThreshold { get; init; }

    /// <summary>How the image is scaled to the network's input: <see cref="ResizeMode.Bilinear"/>, as the original programs do, or
    /// <see cref="ResizeMode.Area"/>, which sees small objects in large photos better.</summary>
    public ResizeMode Resampling { get; init; } = ResizeMode.Bilinear;

    /// <summary>Most objects reported per image.</summary>
    public int MaxDetections { get; init; } = 64;

    /// <summary>Image sizes whose captured graphs are kept; the least recently used is dropped.</summary>
    public int MaxCachedSizes { get; init; } = 4;

    internal virtual void Validate()
    {
        if (!(Threshold is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(Threshold), Threshold, "A threshold is a probability between 0 and 1.");
        if (!(IouThreshold is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(IouThreshold), IouThreshold, "An overlap lies between 0 and 1.");
        if (Resampling is not (ResizeMode.Area or ResizeMode.Bilinear))
            throw new ArgumentOutOfRangeException(nameof(Resampling), Resampling, "The resampling must be Area or Bilinear.");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDetections, 1, nameof(MaxDetections));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxCachedSizes, 1, nameof(MaxCachedSizes));
    }
}
