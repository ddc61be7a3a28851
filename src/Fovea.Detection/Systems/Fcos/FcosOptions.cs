namespace Fovea.Detection.Systems;

/// <summary>In what the published forms of FCOS differ, beside the network.</summary>
public sealed record FcosOptions
{
    /// <summary>Where cells measure from.</summary>
    public CellPoint Point { get; init; } = CellPoint.Middle;

    /// <summary>See <see cref="Assignment.FcosAssigner.CentreRadius"/>.</summary>
    public float CentreRadius { get; init; } = 1.5f;

    /// <summary>Whether the loss of a box counts by its centerness and is divided by the sum of centerness, as in the paper's code, instead
    /// of by the number of positive cells.</summary>
    public bool WeightsByCenterness { get; init; }

    /// <summary>Detections have a larger score.</summary>
    public float ScoreThreshold { get; init; } = 0.2f;

    /// <summary>Of suppression.</summary>
    public float IouThreshold { get; init; } = 0.6f;
}
