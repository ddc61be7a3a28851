namespace Fovea.Data;

/// <summary>sequence_categorical_column_with_*: a categorical column whose values are steps in time. An indicator or embedding
/// over it belongs into <see cref="SequenceFeatures"/>.</summary>
public sealed class SequenceCategoricalColumn(KeyedCategoricalColumn categorical) : FeatureColumn(categorical.Name), ICategoricalColumn
{
    /// <summary>How a value becomes an id.</summary>
    public KeyedCategoricalColumn Categorical { get; } = categorical;

    /// <inheritdoc/>
    public long BucketCount => Categorical.BucketCount;

    /// <inheritdoc/>
    public override bool IsSequence => true;

    /// <inheritdoc/>
    public override void AddTo(ParseSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.AddSequence(new VarLenFeature(Categorical.Key, Categorical.Kind));
    }

    /// <inheritdoc/>
    public void Transform(FeatureCache cache, IdBatch output)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(output);
        var values = Categorical.Values(cache);
        var rowSplits = values.RowSplits.Span;
        var stepSplits = values.StepSplits.Span;
        long most = 0;
        for (var r = 0; r < values.Rows; r++) most = Math.Max(most, rowSplits[r + 1] - rowSplits[r]);
        var steps = (int)most;
        if (most * values.Rows >= Array.MaxLength)
            throw new FeatureException(Name, $"{values.Rows} rows of {most} steps are too many");
        output.Begin(values.Rows * steps, values.Count);
        Categorical.Map(values, output.IdsToWrite);
        var ids = output.IdsToWrite;
        var splits = output.RowSplitsToWrite;
        var lengths = output.BeginSequences(values.Rows, steps);
        var kept = 0;
        for (var r = 0; r < values.Rows; r++)
        {
            lengths[r] = 0;
            for (var t = 0; t < steps; t++)
            {
                var step = (int)rowSplits[r] + t;
                if (step < rowSplits[r + 1])
                {
                    var before = kept;
                    var end = stepSplits.IsEmpty ? step + 1 : (int)stepSplits[step + 1];
                    for (var i = stepSplits.IsEmpty ? step : (int)stepSplits[step]; i < end; i++)
                        if (!(values.IsDense && values.IsMissing(i))) ids[kept++] = ids[i];
                    if (kept > before) lengths[r] = t + 1;
                }
                splits[r * steps + t + 1] = kept;
            }
        }
        output.Truncate(kept);
    }
}
