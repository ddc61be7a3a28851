namespace Fovea.Training;

/// <summary>What a program will need, computed from its steps and a profile.</summary>
/// <param name="PeakBytes">Most bytes of the pool in use by results, gradients and workspaces of a run, without parameters and
/// their gradients. Whole blocks of the pool.</param>
/// <param name="Milliseconds">Sum of the times of all steps that run operations.</param>
/// <param name="RecomputedMs">The part of it that computes results again.</param>
public readonly record struct StepForecast(long PeakBytes, double Milliseconds, double RecomputedMs);
