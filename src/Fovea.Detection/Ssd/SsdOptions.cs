namespace Fovea.Detection;

/// <summary>Settings of an <see cref="SsdSession"/>; the thresholds are MediaPipe's.</summary>
public sealed record SsdOptions() : SingleShotOptions(iouThreshold: 0.5f);
