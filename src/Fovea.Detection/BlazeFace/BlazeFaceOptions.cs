namespace Fovea.Detection;

/// <summary>Settings of a <see cref="BlazeFaceSession"/>; the thresholds are MediaPipe's.</summary>
public sealed record BlazeFaceOptions() : SingleShotOptions(iouThreshold: 0.3f);
