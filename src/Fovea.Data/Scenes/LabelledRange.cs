namespace Fovea.Data;

/// <summary>Some images of a source that lie one behind the other: a part to learn, another to judge by.</summary>
public sealed class LabelledRange : ILabelledImages
{
    private readonly ILabelledImages _source;
    private readonly long _start;

    /// <summary>Takes images [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>) of <paramref name="source"/>.</summary>
    public LabelledRange(ILabelledImages source, long start, long count)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, source.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, source.Count - start);
        (_source, _start, Count) = (source, start, count);
    }

    /// <inheritdoc/>
    public long Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => _source.ClassNames;

    /// <inheritdoc/>
    public LabelledImage Load(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _source.Load(_start + index);
    }
}
