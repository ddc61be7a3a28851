namespace Fovea.Detection;

/// <summary>Settings of a <see cref="NanoDetSession"/>; the thresholds are those of NanoDet's demonstration.</summary>
public sealed record NanoDetOptions : SingleShotOptions
{
    /// <summary>Creates the defaults.</summary>
    public NanoDetOptions()
        : base(iouThreshold: 0.6f) => Threshold = 0.35f;
}
