namespace Fovea.Detection;

/// <summary>Settings of a <see cref="CenterNetSession"/>. Peaks of one class that mean the same object are rare, so suppression has little to
/// do.</summary>
public sealed record CenterNetOptions : SingleShotOptions
{
    /// <summary>A threshold of 0.3: heat maps seldom rise above 0.7.</summary>
    public CenterNetOptions()
        : base(iouThreshold: 0.4f) => Threshold = 0.3f;
}
