namespace Fovea.Data;

/// <summary>The features of a serialised tf.train.Example, in place and in the order of the wire:
/// <c>foreach (var feature in new ExampleReader(record))</c>. Unknown fields are skipped. A name may come twice; TensorFlow
/// takes the last one.</summary>
public ref struct ExampleReader
{
    private FeatureMapReader _features;

    /// <summary>Reads an Example, or the context of a SequenceExample, which has the same form.</summary>
    public ExampleReader(ReadOnlySpan<byte> example) => _features = new FeatureMapReader(example, 1);

    /// <summary>The feature that <see cref="MoveNext"/> found.</summary>
    public FeatureView Current { get; private set; }

    /// <summary>This reader, for <c>foreach</c>.</summary>
    public readonly ExampleReader GetEnumerator() => this;

    /// <summary>Goes to the next feature; false at the end.</summary>
    /// <exception cref="ExampleException">The Example is malformed.</exception>
    public bool MoveNext()
    {
        if (!_features.MoveNext()) return false;
        Current = new FeatureView(_features.Key, _features.Value);
        return true;
    }
}
