namespace Fovea.Data;

/// <summary>The feature lists of a serialised tf.train.SequenceExample, in place; an <see cref="ExampleReader"/> reads its
/// context.</summary>
public ref struct SequenceExampleReader
{
    private FeatureMapReader _lists;

    /// <summary>Reads a SequenceExample.</summary>
    public SequenceExampleReader(ReadOnlySpan<byte> sequenceExample) => _lists = new FeatureMapReader(sequenceExample, 2);

    /// <summary>The list that <see cref="MoveNext"/> found.</summary>
    public readonly FeatureListView Current => new(_lists.Key, _lists.Value);

    /// <summary>This reader, for <c>foreach</c>.</summary>
    public readonly SequenceExampleReader GetEnumerator() => this;

    /// <summary>Goes to the next list; false at the end.</summary>
    /// <exception cref="ExampleException">The SequenceExample is malformed.</exception>
    public bool MoveNext() => _lists.MoveNext();
}
