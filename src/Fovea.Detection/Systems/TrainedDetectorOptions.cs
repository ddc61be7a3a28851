namespace Fovea.Detection.Systems;

/// <summary>Settings of a <see cref="TrainedDetectorSession"/>. The system's own decoding has suppressed what it does by then; a lower
/// <see cref="SingleShotOptions.IouThreshold"/> than 1 suppresses more of a class.</summary>
public sealed record TrainedDetectorOptions() : SingleShotOptions(iouThreshold: 1);
