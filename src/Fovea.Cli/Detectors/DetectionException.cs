namespace Fovea.Cli.Detectors;

/// <summary>One image cannot be processed, for example because its pyramid does not fit in memory.</summary>
internal sealed class DetectionException(string message, Exception inner) : Exception(message, inner);
