namespace Fovea.Data;

/// <summary>Limits on untrusted images; both are checked before anything is decoded.</summary>
public sealed record ImageLoadOptions
{
    /// <summary>Most pixels an image may have: 100 million by default (300 MB as RGB). Sides are not limited by themselves.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Largest file, in bytes: 1 GiB by default.</summary>
    public long MaxFileBytes { get; init; } = 1L << 30;
}
