namespace Fovea.Data;

/// <summary>A column and the slots that it is made of.</summary>
/// <param name="Spec">What was asked for.</param>
/// <param name="Values">Slot of the values.</param>
internal sealed record ColumnPlan(FeatureSpec Spec, int Values)
{
    /// <summary>Slots of the coordinates, or of the row lengths.</summary>
    internal int[] Parts { get; init; } = [];

    /// <summary>The value to pad with.</summary>
    internal FeatureValues? Padding { get; init; }
}
