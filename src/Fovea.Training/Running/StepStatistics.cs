namespace Fovea.Training;

/// <summary>What one training step was like.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Loss">In front of any loss scale.</param>
/// <param name="LearningRate">Before the groups' factors.</param>
/// <param name="GradientNorm">In front of clipping; 0 where nothing was clipped.</param>
/// <param name="Milliseconds">From the first kernel to the read loss.</param>
/// <param name="PeakBytes">Most bytes of the pool in use during the step.</param>
/// <param name="ReservedBytes">Bytes that the pool holds from the system: what exceeds the peak is fragmentation and spare.</param>
public readonly record struct StepStatistics(
    long Step, float Loss, float LearningRate, float GradientNorm, double Milliseconds, long PeakBytes, long ReservedBytes);
