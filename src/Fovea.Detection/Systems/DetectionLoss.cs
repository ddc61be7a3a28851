using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The loss of a training step.</summary>
/// <param name="Total">One number: the weighted sum of the parts.</param>
/// <param name="Parts">Named scalars, weighted as they enter the sum.</param>
public sealed record DetectionLoss(Value Total, IReadOnlyList<(string Name, Value Loss)> Parts)
{
    /// <summary>Adds up the parts.</summary>
    public static DetectionLoss Of(params IReadOnlyList<(string Name, Value Loss)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return new DetectionLoss(parts.Select(p => p.Loss).Aggregate((a, b) => a.Add(b)), parts);
    }
}
