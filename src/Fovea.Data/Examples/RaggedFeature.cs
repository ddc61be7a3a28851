namespace Fovea.Data;

/// <summary>Any number of values in every record: a ragged column of values and row splits.</summary>
/// <param name="Name">Name of the column, and of the feature unless <see cref="ValueKey"/> is another.</param>
/// <param name="Kind">Type of the values.</param>
public sealed record RaggedFeature(string Name, FeatureKind Kind) : FeatureSpec(Name, Kind)
{
    /// <summary>Name of the feature with the values.</summary>
    public string ValueKey { get; init; } = Name;

    /// <summary>Name of an Int64 feature with the lengths of an inner dimension, of which every record's values are a
    /// concatenation; null for none.</summary>
    public string? RowLengthsKey { get; init; }
}
