namespace Fovea.Data;

/// <summary>The layer of the same name: sequence columns side by side for every step, in the order of their names. Owns the
/// embedding tables. One instance serves one thread.</summary>
public sealed class SequenceFeatures : IDisposable
{
    private readonly LayerColumn[] _columns;
    private readonly EmbeddingTables _tables;
    private readonly BagBatch _bag = new();
    private float[] _staging = [];
    private int[] _lengths = [], _other = [];

    /// <summary>Creates the layer and its embedding tables, drawn from <paramref name="seed"/>.</summary>
    /// <exception cref="FeatureException">A name occurs twice, or a column is no sequence.</exception>
    public SequenceFeatures(DeviceStream stream, IEnumerable<FeatureColumn> columns, int seed = 0)
    {
        _columns = LayerColumn.Arrange(columns, sequences: true, nameof(SequenceFeatures));
        _tables = new EmbeddingTables(stream, _columns.Select(c => c.Column).OfType<EmbeddingColumn>(), seed);
    }

    /// <summary>The columns in their order.</summary>
    public IReadOnlyList<LayerColumn> Columns => _columns;

    /// <summary>Floats of a step.</summary>
    public int Width => LayerColumn.TotalWidth(_columns);

    /// <summary>The embedding tables [buckets][dimension], by <see cref="EmbeddingColumn.TableName"/>.</summary>
    public IReadOnlyDictionary<string, DeviceTensor> Tables => _tables.Tables;

    /// <summary>The batch as [rows][steps][<see cref="Width"/>], Float32, and the number of steps of each row, [rows], Int32;
    /// the caller disposes both. Steps beyond a row's own are padding.</summary>
    /// <exception cref="FeatureException">The batch does not suit a column, or columns differ in the number of steps of a
    /// row.</exception>
    public (DeviceTensor Values, DeviceTensor Lengths) Forward(DeviceStream stream, FeatureCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var rows = cache.Batch.Rows;
        if (_lengths.Length < rows) (_lengths, _other) = (new int[rows], new int[rows]);
        var lengths = _lengths.AsSpan(0, rows);
        var steps = Measure(cache, _columns[0].Column, lengths);
        foreach (var (column, _, _) in _columns.AsSpan(1))
        {
            var other = _other.AsSpan(0, rows);
            if (Measure(cache, column, other) != steps || !lengths.SequenceEqual(other))
                throw new FeatureException(column.Name, $"rows have other numbers of steps than in {_columns[0].Column.Name}");
        }
        var values = LayerColumn.Forward(stream, _columns, _tables, cache, _bag, ref _staging, rows, steps, Width);
        try
        {
            return (values, DeviceTensor.From<int>(stream, lengths, rows));
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    /// <summary>Gives the tables back.</summary>
    public void Dispose() => _tables.Dispose();

    private static int Measure(FeatureCache cache, FeatureColumn column, Span<int> lengths)
    {
        if (column is SequenceNumericColumn numeric) return numeric.Measure(cache, lengths);
        var ids = cache.Ids(column is IndicatorColumn indicator ? indicator.Categorical : ((EmbeddingColumn)column).Categorical);
        ids.Lengths.CopyTo(lengths);
        return ids.Steps;
    }
}
