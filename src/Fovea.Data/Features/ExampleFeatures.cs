namespace Fovea.Data;

/// <summary>Hands parsed records to feature columns. The values are copied, because a batch of records may be refilled while a
/// model still looks at the one before; the memory is kept for the next batch.</summary>
public sealed class ExampleFeatures
{
    private readonly Dictionary<string, Column> _columns = new(StringComparer.Ordinal);

    /// <summary>The features of all records of a batch, valid until the next call. FixedLen columns are dense; a feature list
    /// becomes a sequence of steps.</summary>
    /// <exception cref="ArgumentException">A feature and a feature list have the same name.</exception>
    public FeatureBatch Read(ExampleBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var features = new FeatureBatch(batch.Count);
        foreach (var column in batch.Columns) features.Add(column.Name, Read(column));
        foreach (var list in batch.Lists) features.Add(list.Name, Read(list));
        return features;
    }

    private FeatureInput Read(ExampleColumn source)
    {
        if (!_columns.TryGetValue(source.Name, out var column)) _columns.Add(source.Name, column = new Column());
        return column.Read(source);
    }

    private sealed class Column
    {
        private long[] _rowSplits = [], _stepSplits = [], _integers = [], _offsets = [];
        private float[] _floats = [];
        private byte[] _bytes = [];

        public FeatureInput Read(ExampleColumn source)
        {
            var rows = Copy(source.RowSplits, ref _rowSplits);
            var steps = Copy(source.InnerSplits, ref _stepSplits);
            var isDense = source.Spec is FixedLenFeature;
            switch (source.Kind)
            {
                case FeatureKind.Int64:
                    return FeatureInput.Of(Copy(source.Int64s, ref _integers), rows, isDense, steps);
                case FeatureKind.Float:
                    return FeatureInput.Of(Copy(source.Floats, ref _floats), rows, isDense, steps);
                default:
                    var bytes = Copy(source.Strings(out var starts), ref _bytes);
                    if (_offsets.Length < starts.Length) _offsets = new long[starts.Length];
                    for (var i = 0; i < starts.Length; i++) _offsets[i] = starts[i];
                    return FeatureInput.Of(bytes, _offsets.AsMemory(0, starts.Length), rows, isDense, steps);
            }
        }

        private static ReadOnlyMemory<T> Copy<T>(ReadOnlySpan<T> values, ref T[] buffer)
        {
            if (buffer.Length < values.Length) buffer = new T[values.Length];
            values.CopyTo(buffer);
            return buffer.AsMemory(0, values.Length);
        }
    }
}
