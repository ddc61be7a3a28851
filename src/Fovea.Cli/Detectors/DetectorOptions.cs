namespace Fovea.Cli.Detectors;

/// <summary>What the command line says about detection; null means the model's own default.</summary>
internal sealed record DetectorOptions(string Model, int? MinFace, float? Threshold, int? Threads, bool Area = false);
