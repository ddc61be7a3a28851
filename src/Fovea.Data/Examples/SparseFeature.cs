namespace Fovea.Data;

/// <summary>A sparse tensor whose coordinates are features: a sparse column of dense shape [batch,
/// <see cref="Sizes"/>].</summary>
/// <param name="Name">Name of the column.</param>
/// <param name="IndexKeys">Names of the Int64 features with the coordinates, one for each dimension.</param>
/// <param name="ValueKey">Name of the feature with the values.</param>
/// <param name="Kind">Type of the values.</param>
/// <param name="Sizes">Size of each dimension.</param>
public sealed record SparseFeature(
    string Name, IReadOnlyList<string> IndexKeys, string ValueKey, FeatureKind Kind, IReadOnlyList<long> Sizes) : FeatureSpec(Name, Kind)
{
    /// <summary>Whether the coordinates of each record are in row-major order already; otherwise they are sorted.</summary>
    public bool AlreadySorted { get; init; }
}
