namespace Fovea.Data;

/// <summary>Where a column lies in the output of a layer.</summary>
/// <param name="Column">The column.</param>
/// <param name="Start">First float of a row.</param>
/// <param name="Width">Number of floats.</param>
public readonly record struct LayerColumn(FeatureColumn Column, int Start, int Width)
{
    /// <summary>Lays columns out in the order of their names (TensorFlow's rule).</summary>
    /// <exception cref="FeatureException">A name occurs twice, or a column is not dense.</exception>
    internal static LayerColumn[] Arrange(IEnumerable<FeatureColumn> columns, bool sequences, string layer)
    {
        ArgumentNullException.ThrowIfNull(columns);
        var sorted = columns.ToArray();
        if (sorted.Length == 0) throw new FeatureException(layer, "there is no column");
        Array.Sort(sorted, (a, b) => NameOrder.Compare(a.Name, b.Name));
        var placed = new LayerColumn[sorted.Length];
        long start = 0;
        for (var i = 0; i < sorted.Length; i++)
        {
            var column = sorted[i];
            if (i > 0 && column.Name == sorted[i - 1].Name)
                throw new FeatureException(column.Name, "two columns have this name");
            if (column.IsSequence != sequences)
                throw new FeatureException(column.Name, sequences ? "not a sequence; use DenseFeatures" : "a sequence; use SequenceFeatures");
            var width = column switch
            {
                EmbeddingColumn embedding => embedding.Dimension,
                IDenseColumn dense => dense.Width,
                _ => throw new FeatureException(column.Name, $"not dense; wrap it into an indicator or an embedding for {layer}"),
            };
            placed[i] = new LayerColumn(column, (int)start, width);
            if ((start += width) > int.MaxValue) throw new FeatureException(layer, "a row has more than 2^31 - 1 floats");
        }
        return placed;
    }

    /// <summary>Floats of a row.</summary>
    internal static int TotalWidth(LayerColumn[] columns) => columns[^1].Start + columns[^1].Width;

    /// <summary>Writes all columns for this batch; the last dimension of <paramref name="shape"/> is their width.
    /// <paramref name="staging"/> is reused host memory.</summary>
    internal static DeviceTensor Forward(DeviceStream stream, LayerColumn[] columns, EmbeddingTables tables, FeatureCache cache,
        BagBatch bag, ref float[] staging, params ReadOnlySpan<long> shape)
    {
        var count = 1;
        foreach (var size in shape) count = checked(count * (int)size);
        var width = TotalWidth(columns);
        if (staging.Length < count) staging = new float[count];
        var values = staging.AsSpan(0, count);
        values.Clear();
        if (count > 0)
            foreach (var (column, start, _) in columns)
                if (column is IDenseColumn dense) dense.Write(cache, values[start..], width);
        // One copy brings the computed columns, and the zeros that embeddings are added to.
        var output = DeviceTensor.From<float>(stream, values, shape);
        try
        {
            var rows = output.Reshape(count / width, width);
            foreach (var (column, start, columnWidth) in columns)
                if (column is EmbeddingColumn embedding)
                    tables.Forward(stream, cache, embedding, bag, rows.Columns(start, columnWidth));
            return output;
        }
        catch
        {
            output.Dispose();
            throw;
        }
    }
}
