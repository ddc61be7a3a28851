namespace Fovea.Data;

/// <summary>A number of equal steps in every record: a dense column of shape [batch, most steps, <see cref="Shape"/>], padded.
/// A record without the feature has no steps. In the lists of a SequenceExample, each feature of the list is a step.</summary>
/// <param name="Name">Name of the feature and of the column.</param>
/// <param name="Kind">Type of the values.</param>
/// <param name="Shape">Shape of a step; none for one value.</param>
public sealed record FixedLenSequenceFeature(string Name, FeatureKind Kind, params int[] Shape) : FeatureSpec(Name, Kind)
{
    /// <summary>The one value to pad with; zero or the empty string by default.</summary>
    public FeatureValues? Padding { get; init; }

    /// <summary>Whether a record may lack the feature. An Example may always.</summary>
    public bool AllowMissing { get; init; } = true;
}
