namespace Fovea.Data;

/// <summary>A raw feature as a cross takes it: fingerprints of strings, integers as they are; nothing stands for a missing
/// value.</summary>
internal sealed class FingerprintColumn(string key) : ICategoricalColumn
{
    public string Name => key;

    public long BucketCount => long.MaxValue;

    public bool IsSequence => false;

    public void AddTo(ParseSpec spec) => spec.Add(new VarLenFeature(key, FeatureKind.Bytes));

    public void Transform(FeatureCache cache, IdBatch output)
    {
        var values = cache.Raw(key);
        if (values.Kind == FeatureKind.Float)
            throw new FeatureException(key, "a cross reads integers or strings, the batch has floats");
        output.Begin(values.Rows, values.Count);
        if (values.Kind == FeatureKind.Bytes) Kernels.HashBuckets(values.Bytes.Span, values.Offsets.Span, 0, output.IdsToWrite);
        else values.Integers.Span.CopyTo(output.IdsToWrite);
        var splits = output.RowSplitsToWrite;
        for (var r = 0; r < splits.Length; r++) splits[r] = values.RowStart(r);
    }
}
