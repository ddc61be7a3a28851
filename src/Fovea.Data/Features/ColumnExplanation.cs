namespace Fovea.Data;

/// <summary>What a column makes of one row, for people.</summary>
/// <param name="Column">The column.</param>
/// <param name="Keys">The raw features that it reads.</param>
/// <param name="Buckets">Number of ids there are, or null for numbers.</param>
/// <param name="Ids">The ids; of a sequence column one list for every step.</param>
/// <param name="Weights">The weights of the ids in the same lists, empty without weights.</param>
/// <param name="Values">The numbers of a numeric column, and those that were put into buckets.</param>
public sealed record ColumnExplanation(FeatureColumn Column, IReadOnlyList<string> Keys, long? Buckets, IReadOnlyList<long[]> Ids,
    IReadOnlyList<float[]> Weights, float[] Values)
{
    /// <summary>Explains a row of a batch to the last id.</summary>
    /// <exception cref="FeatureException">The batch does not suit the column.</exception>
    public static ColumnExplanation Of(FeatureColumn column, FeatureCache cache, int row)
    {
        ArgumentNullException.ThrowIfNull(cache);
        var spec = new ParseSpec([column]);
        string[] keys = [.. spec.Features.Concat(spec.Sequences).Select(feature => feature.Name)];
        var categorical = column switch
        {
            IndicatorColumn indicator => indicator.Categorical,
            EmbeddingColumn embedding => embedding.Categorical,
            _ => column as ICategoricalColumn,
        };
        var numbers = Numbers(column, cache, row);
        if (categorical is null) return new ColumnExplanation(column, keys, null, [], [], numbers);
        var ids = cache.Ids(categorical);
        var first = column.IsSequence ? row * ids.Steps : row;
        int[] rows = [.. Enumerable.Range(first, column.IsSequence ? ids.Lengths[row] : 1)];
        return new ColumnExplanation(column, keys, categorical.BucketCount, [.. rows.Select(r => ids.Row(r).ToArray())],
            ids.HasWeights ? [.. rows.Select(r => ids.RowWeights(r).ToArray())] : [], numbers);
    }

    private static float[] Numbers(FeatureColumn column, FeatureCache cache, int row)
    {
        switch (column)
        {
            case BucketizedColumn { Source: var source }:
                return Numbers(source, cache, row);
            case NumericColumn numeric:
                return cache.Values(numeric).Slice(row * numeric.Width, numeric.Width).ToArray();
            case SequenceNumericColumn sequence:
                var lengths = new int[cache.Batch.Rows];
                var steps = sequence.Measure(cache, lengths);
                var values = new float[cache.Batch.Rows * steps * sequence.Width];
                sequence.Write(cache, values, sequence.Width);
                return values.AsSpan(row * steps * sequence.Width, lengths[row] * sequence.Width).ToArray();
            default:
                return [];
        }
    }
}
