using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Data;

/// <summary>One feature of an Example, in place: a name and a list of values, which are decoded when they are asked for. Packed
/// and unpacked lists, and lists in several pieces, read alike.</summary>
public readonly ref struct FeatureView
{
    // Fields of the Feature message, from the first one that counts on.
    private readonly ReadOnlySpan<byte> _fields;

    // The only value field of the only list: a packed run, or one byte string.
    private readonly ReadOnlySpan<byte> _single;
    private readonly bool _isSingle;

    internal FeatureView(ReadOnlySpan<byte> name, ReadOnlySpan<byte> message)
    {
        Name = name;
        Message = message;
        if (!message.IsEmpty && FeaturePieces.KindOf(message[0]) is var kind and not FeatureKind.None &&
            WireReader.IsOneField(message, message[0], out var list))
        {
            Kind = kind;
            _fields = message;
            _isSingle = WireReader.IsOneField(list, FeaturePieces.ValueTag, out _single);
            return;
        }
        Kind = Resolve(message, out var start);
        _fields = message[start..];
    }

    /// <summary>The name, in UTF-8.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The serialised tf.train.Feature.</summary>
    public ReadOnlySpan<byte> Message { get; }

    /// <summary>Type of the values.</summary>
    public FeatureKind Kind { get; }

    /// <summary>Number of values; counts them.</summary>
    /// <exception cref="ExampleException">The list is malformed.</exception>
    public int Count
    {
        get
        {
            var count = 0;
            var list = new FeaturePieces(_fields, Kind);
            while (list.MoveNext())
            {
                count += (Kind, list.IsPacked) switch
                {
                    (FeatureKind.Int64, true) => PackedInt64.Count(list.Bytes),
                    (FeatureKind.Float, true) => list.Bytes.Length / sizeof(float),
                    _ => 1,
                };
            }
            return count;
        }
    }

    /// <summary>No fewer than <see cref="Count"/>, without looking at the values.</summary>
    internal int CountLimit => Kind == FeatureKind.Int64 ? _fields.Length : _fields.Length / (Kind == FeatureKind.Float ? 4 : 2);

    /// <summary>Decodes Int64 values; gives how many there were.</summary>
    /// <exception cref="ArgumentException"><paramref name="values"/> is shorter than the list.</exception>
    /// <exception cref="ExampleException">The list is malformed, or of another kind.</exception>
    public int CopyTo(Span<long> values) => TryCopyTo(values, out var count) ? count : throw TooShort(values.Length);

    /// <summary>Copies Float values; gives how many there were.</summary>
    /// <inheritdoc cref="CopyTo(Span{long})" path="/exception"/>
    public int CopyTo(Span<float> values) => TryCopyTo(values, out var count) ? count : throw TooShort(values.Length);

    internal bool TryCopyTo(Span<long> values, out int count)
    {
        Require(FeatureKind.Int64);
        if (_isSingle)
        {
            count = PackedInt64.Decode(_single, values, out var end);
            return end == _single.Length;
        }
        count = 0;
        var list = new FeaturePieces(_fields, Kind);
        while (list.MoveNext())
        {
            if (list.IsPacked)
            {
                count += PackedInt64.Decode(list.Bytes, values[count..], out var position);
                if (position < list.Bytes.Length) return false;
            }
            else
            {
                if (count == values.Length) return false;
                values[count++] = list.Int64;
            }
        }
        return true;
    }

    internal bool TryCopyTo(Span<float> values, out int count)
    {
        Require(FeatureKind.Float);
        if (_isSingle && _single.Length % sizeof(float) == 0)
        {
            count = _single.Length / sizeof(float);
            // The wire is little-endian, as every platform of .NET that this runs on.
            return MemoryMarshal.Cast<byte, float>(_single).TryCopyTo(values);
        }
        count = 0;
        var list = new FeaturePieces(_fields, Kind);
        while (list.MoveNext())
        {
            if (list.IsPacked)
            {
                var piece = MemoryMarshal.Cast<byte, float>(list.Bytes);
                if (piece.Length > values.Length - count) return false;
                piece.CopyTo(values[count..]);
                count += piece.Length;
            }
            else
            {
                if (count == values.Length) return false;
                values[count++] = list.Single;
            }
        }
        return true;
    }

    /// <summary>The byte strings, for <c>foreach</c>.</summary>
    /// <exception cref="ExampleException">The list is of another kind.</exception>
    public FeatureBytes EnumerateBytes()
    {
        Require(FeatureKind.Bytes);
        return new FeatureBytes(new FeaturePieces(_fields, Kind));
    }

    /// <summary>The only byte string, if there is just one.</summary>
    internal bool TryGetSingleBytes(out ReadOnlySpan<byte> value)
    {
        value = _single;
        return _isSingle && Kind == FeatureKind.Bytes;
    }

    /// <summary>For example "age: Int64, 3 values".</summary>
    public override string ToString() => $"{Encoding.UTF8.GetString(Name)}: {Kind}, {Count} values";

    private void Require(FeatureKind kind)
    {
        if (Kind != kind) throw new ExampleException($"its values are {Kind}, not {kind}");
    }

    private static ArgumentException TooShort(int length) => new($"there are more values than {length}");

    // The lists are a oneof: what counts is the last kind, and all its fields since another kind was there.
    private static FeatureKind Resolve(ReadOnlySpan<byte> message, out int start)
    {
        start = 0;
        var kind = FeatureKind.None;
        var reader = new WireReader(message);
        while (!reader.IsAtEnd)
        {
            var at = reader.Position;
            var tag = reader.ReadTag();
            var next = FeaturePieces.KindOf(tag);
            if (next != FeatureKind.None && next != kind) (kind, start) = (next, at);
            reader.Skip(tag);
        }
        return kind;
    }
}
