namespace Fovea.Data;

/// <summary>The layer of the same name: columns side by side, in the order of their names by code points. Owns the embedding
/// tables. One instance serves one thread.</summary>
public sealed class DenseFeatures : IDisposable
{
    private readonly LayerColumn[] _columns;
    private readonly EmbeddingTables _tables;
    private readonly BagBatch _bag = new();
    private float[] _staging = [];

    /// <summary>Creates the layer and its embedding tables, drawn from <paramref name="seed"/>.</summary>
    /// <exception cref="FeatureException">A name occurs twice, or a column is neither dense nor wrapped, or a
    /// sequence.</exception>
    public DenseFeatures(DeviceStream stream, IEnumerable<FeatureColumn> columns, int seed = 0)
    {
        _columns = LayerColumn.Arrange(columns, sequences: false, nameof(DenseFeatures));
        _tables = new EmbeddingTables(stream, _columns.Select(c => c.Column).OfType<EmbeddingColumn>(), seed);
    }

    /// <summary>The columns in their order.</summary>
    public IReadOnlyList<LayerColumn> Columns => _columns;

    /// <summary>Floats of a row.</summary>
    public int Width => LayerColumn.TotalWidth(_columns);

    /// <summary>The embedding tables [buckets][dimension], by <see cref="EmbeddingColumn.TableName"/>.</summary>
    public IReadOnlyDictionary<string, DeviceTensor> Tables => _tables.Tables;

    /// <summary>The batch as [rows][<see cref="Width"/>], Float32; the caller disposes it.</summary>
    /// <exception cref="FeatureException">The batch does not suit a column.</exception>
    public DeviceTensor Forward(DeviceStream stream, FeatureCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return LayerColumn.Forward(stream, _columns, _tables, cache, _bag, ref _staging, cache.Batch.Rows, Width);
    }

    /// <summary>Gives the tables back.</summary>
    public void Dispose() => _tables.Dispose();
}
