namespace Fovea.Detection;

/// <summary>Settings of an <see cref="MtcnnSession"/>. The defaults are those of most ports; facenet itself is
/// <see cref="MtcnnConvention.Facenet"/> with <see cref="ResizeMode.Area"/>.</summary>
public sealed record MtcnnOptions
{
    /// <summary>Side of the smallest face looked for, in pixels; at least 12 (the window of P-Net on the unscaled image). Time grows
    /// with the inverse square.</summary>
    public int MinFace { get; init; } = 20;

    /// <summary>Ratio of two neighbouring levels of the image pyramid, between 0 and 1 (exclusive).</summary>
    public float Factor { get; init; } = 0.709f;

    /// <summary>Least P-Net probability (&gt;=) of a window that goes on to R-Net.</summary>
    public float PNetThreshold { get; init; } = 0.6f;

    /// <summary>Least R-Net probability (&gt;) of a box that goes on to O-Net.</summary>
    public float RNetThreshold { get; init; } = 0.7f;

    /// <summary>Least O-Net probability (&gt;) of a reported face.</summary>
    public float ONetThreshold { get; init; } = 0.7f;

    /// <summary>Pixel and rounding convention of the boxes inside the cascade.</summary>
    public MtcnnConvention Convention { get; init; } = MtcnnConvention.ZeroBased;

    /// <summary>How pyramid levels and crops are resampled: <see cref="ResizeMode.Bilinear"/>, as most ports do, or
    /// <see cref="ResizeMode.Area"/>, as facenet does, which finds more in photos much larger than their faces need.</summary>
    public ResizeMode Resampling { get; init; } = ResizeMode.Bilinear;

    /// <summary>Most windows kept per pyramid level; the best are kept.</summary>
    public int MaxWindowsPerLevel { get; init; } = 4096;

    /// <summary>Most boxes that R-Net looks at per image. Fixed capacities are what lets the whole cascade be one captured
    /// graph.</summary>
    public int MaxProposals { get; init; } = 2048;

    /// <summary>Most boxes that O-Net looks at, and most faces reported, per image.</summary>
    public int MaxDetections { get; init; } = 512;

    /// <summary>Image sizes whose captured graphs are kept; the least recently used is dropped.</summary>
    public int MaxCachedSizes { get; init; } = 4;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MinFace, 12, nameof(MinFace));
        if (!(Factor > 0 && Factor < 1)) throw new ArgumentOutOfRangeException(nameof(Factor), Factor, "The pyramid factor must lie between 0 and 1.");
        ValidateThreshold(PNetThreshold, nameof(PNetThreshold));
        ValidateThreshold(RNetThreshold, nameof(RNetThreshold));
        ValidateThreshold(ONetThreshold, nameof(ONetThreshold));
        if (!Enum.IsDefined(Convention)) throw new ArgumentOutOfRangeException(nameof(Convention), Convention, "There is no such convention.");
        if (Resampling is not (ResizeMode.Area or ResizeMode.Bilinear))
            throw new ArgumentOutOfRangeException(nameof(Resampling), Resampling, "The resampling must be Area or Bilinear.");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxWindowsPerLevel, 1, nameof(MaxWindowsPerLevel));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxProposals, 1, nameof(MaxProposals));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDetections, 1, nameof(MaxDetections));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxCachedSizes, 1, nameof(MaxCachedSizes));
    }

    private static void ValidateThreshold(float value, string name)
    {
        if (!(value >= 0 && value <= 1)) throw new ArgumentOutOfRangeException(name, value, "A threshold is a probability between 0 and 1.");
    }
}
