namespace Fovea.Data;

/// <summary>Owns the tables of embedding columns, by table name.</summary>
internal sealed class EmbeddingTables : IDisposable
{
    private readonly Dictionary<string, DeviceTensor> _tables = new(StringComparer.Ordinal);

    /// <summary>Fills new tables from a normal distribution of deviation 1/sqrt(dimension), cut at two deviations.</summary>
    public EmbeddingTables(DeviceStream stream, IEnumerable<EmbeddingColumn> columns, int seed)
    {
        var random = new Random(seed);
        try
        {
            foreach (var column in columns)
            {
                if (_tables.TryGetValue(column.TableName, out var table))
                {
                    if (table.Shape[0] != column.Categorical.BucketCount || table.Shape[1] != column.Dimension)
                        throw new FeatureException(column.Name, $"the table {column.TableName} is {table}, the column is another size");
                    continue;
                }
                var buckets = column.Categorical.BucketCount;
                if (buckets > Array.MaxLength / column.Dimension)
                    throw new FeatureException(column.Name, $"a table of {buckets} x {column.Dimension} is too large");
                var values = new float[buckets * column.Dimension];
                foreach (ref var value in values.AsSpan()) value = TruncatedNormal(random) / MathF.Sqrt(column.Dimension);
                _tables.Add(column.TableName, DeviceTensor.From<float>(stream, values, buckets, column.Dimension));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyDictionary<string, DeviceTensor> Tables => _tables;

    /// <summary>Adds the column's embeddings for this batch to <paramref name="output"/>, which is zero.</summary>
    public void Forward(DeviceStream stream, FeatureCache cache, EmbeddingColumn column, BagBatch bag, DeviceTensor output) =>
        bag.Prepare(cache.Ids(column.Categorical), column.Combiner).Lookup(stream, _tables[column.TableName], column.MaxNorm, output);

    public void Dispose()
    {
        foreach (var table in _tables.Values) table.Dispose();
    }

    // Box and Muller (1958), drawn again outside of two deviations.
    private static float TruncatedNormal(Random random)
    {
        while (true)
        {
            var value = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            if (Math.Abs(value) <= 2) return (float)value;
        }
    }
}
