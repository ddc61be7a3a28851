namespace Fovea.Data;

/// <summary>One feature list of a SequenceExample, in place: a name and a feature for each step, which have no name.</summary>
public ref struct FeatureListView
{
    private const uint FeatureTag = (1 << 3) | 2;

    private WireReader _steps;

    internal FeatureListView(ReadOnlySpan<byte> name, ReadOnlySpan<byte> message)
    {
        Name = name;
        Message = message;
        _steps = new WireReader(message);
    }

    /// <summary>The name, in UTF-8.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The serialised tf.train.FeatureList.</summary>
    public ReadOnlySpan<byte> Message { get; }

    /// <summary>The step that <see cref="MoveNext"/> found.</summary>
    public FeatureView Current { get; private set; }

    /// <summary>This view, for <c>foreach</c>.</summary>
    public readonly FeatureListView GetEnumerator() => this;

    /// <summary>Goes to the next step; false at the end.</summary>
    /// <exception cref="ExampleException">The list is malformed.</exception>
    public bool MoveNext()
    {
        while (!_steps.IsAtEnd)
        {
            var tag = _steps.ReadTag();
            if (tag == FeatureTag)
            {
                Current = new FeatureView(default, _steps.ReadBytes());
                return true;
            }
            _steps.Skip(tag);
        }
        return false;
    }
}
