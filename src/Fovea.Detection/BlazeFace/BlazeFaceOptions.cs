namespace Fovea.Detection;

/// <summary>Settings of a <see cref="BlazeFaceSession"/>; the thresholds are MediaPipe's.</summary>
public sealed record BlazeFaceOptions() : SingleShotOptions(iouThreshold: 0.3f)
{
    /// <summary>How the overlapping boxes of one face become one.</summary>
    public BlazeFaceSuppression Suppression { get; init; }

    internal override void Validate()
    {
        base.Validate();
        if (Suppression is not (BlazeFaceSuppression.Greedy or BlazeFaceSuppression.Weighted))
            throw new ArgumentOutOfRangeException(nameof(Suppression), Suppression, "The suppression must be Greedy or Weighted.");
    }
}
