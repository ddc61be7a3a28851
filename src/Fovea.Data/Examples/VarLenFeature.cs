namespace Fovea.Data;

/// <summary>Any number of values in every record: a sparse column, in row-major order, of dense shape [batch, most
/// values].</summary>
/// <param name="Name">Name of the feature and of the column.</param>
/// <param name="Kind">Type of the values.</param>
public sealed record VarLenFeature(string Name, FeatureKind Kind) : FeatureSpec(Name, Kind);
