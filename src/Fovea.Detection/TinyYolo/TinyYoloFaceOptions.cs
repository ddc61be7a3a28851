namespace Fovea.Detection;

/// <summary>Settings of a <see cref="TinyYoloFaceSession"/>; the thresholds are those of face-api.js.</summary>
public sealed record TinyYoloFaceOptions() : SingleShotOptions(iouThreshold: 0.4f);
