namespace Fovea.Detection;

/// <summary>Settings of a <see cref="HandtrackSession"/>; the overlap is that of the published model.</summary>
public sealed record HandtrackOptions() : SingleShotOptions(iouThreshold: 0.6f);
