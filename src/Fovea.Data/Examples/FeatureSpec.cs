namespace Fovea.Data;

/// <summary>What a parser makes of a feature; see the derived records, which are those of tf.io.</summary>
/// <param name="Name">Name of the column, and of the feature unless the derived record has another one for that.</param>
/// <param name="Kind">Type of the values: Bytes, Float or Int64. Anything else in a record is an error.</param>
public abstract record FeatureSpec(string Name, FeatureKind Kind);
