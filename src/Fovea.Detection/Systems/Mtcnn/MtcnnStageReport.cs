namespace Fovea.Detection.Systems;

/// <summary>What one network of a cascade did with windows that show no face (IoU below 0.3 with every face).</summary>
/// <param name="Stage">Which network.</param>
/// <param name="Seen">Such windows that it looked at.</param>
/// <param name="Passed">Such windows that came out behind it, suppression included.</param>
public readonly record struct MtcnnStageReport(MtcnnStage Stage, long Seen, long Passed)
{
    /// <summary>The share that it removed; NaN where there was none.</summary>
    public double Removed => 1 - (double)Passed / Seen;
}
