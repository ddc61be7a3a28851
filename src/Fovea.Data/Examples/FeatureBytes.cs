namespace Fovea.Data;

/// <summary>The byte strings of a feature, in place.</summary>
public ref struct FeatureBytes
{
    private FeaturePieces _pieces;

    internal FeatureBytes(FeaturePieces pieces) => _pieces = pieces;

    /// <summary>The string that <see cref="MoveNext"/> found.</summary>
    public readonly ReadOnlySpan<byte> Current => _pieces.Bytes;

    /// <summary>This enumerator, for <c>foreach</c>.</summary>
    public readonly FeatureBytes GetEnumerator() => this;

    /// <summary>Goes to the next string; false at the end.</summary>
    /// <exception cref="ExampleException">The list is malformed.</exception>
    public bool MoveNext() => _pieces.MoveNext();
}
