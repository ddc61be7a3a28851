namespace Fovea.Detection;

/// <summary>Settings of a <see cref="FaceBoxesSession"/>; the overlap is that of the published model.</summary>
public sealed record FaceBoxesOptions() : SingleShotOptions(iouThreshold: 0.3f);
