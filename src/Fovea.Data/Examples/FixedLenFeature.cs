namespace Fovea.Data;

/// <summary>The same number of values in every record: a dense column of shape [batch, <see cref="Shape"/>].</summary>
/// <param name="Name">Name of the feature and of the column.</param>
/// <param name="Kind">Type of the values.</param>
/// <param name="Shape">Shape in one record; none for one value.</param>
public sealed record FixedLenFeature(string Name, FeatureKind Kind, params int[] Shape) : FeatureSpec(Name, Kind)
{
    /// <summary>As many values as the shape has, for records without the feature; null if that is an error. A list of no values
    /// is not a missing feature, but one of the wrong length, as in TensorFlow.</summary>
    public FeatureValues? Default { get; init; }
}
