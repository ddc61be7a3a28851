using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Fovea.Data;

/// <summary>Walks over the values of a Feature message as they lie on the wire: packed runs and single values.</summary>
internal ref struct FeaturePieces(ReadOnlySpan<byte> fields, FeatureKind kind)
{
    /// <summary>A packed run, or a byte string.</summary>
    internal const uint ValueTag = (1 << 3) | 2;

    private readonly uint _listTag = WireReader.Delimited((int)kind);
    private WireReader _fields = new(fields);
    private WireReader _list;

    /// <summary>A packed run, or one byte string.</summary>
    internal ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Whether <see cref="Bytes"/> is a packed run.</summary>
    internal bool IsPacked { get; private set; }

    /// <summary>A single number.</summary>
    internal long Int64 { get; private set; }

    /// <summary>A single number.</summary>
    internal float Single { get; private set; }

    internal static FeatureKind KindOf(uint tag) => tag switch
    {
        (1 << 3) | 2 => FeatureKind.Bytes,
        (2 << 3) | 2 => FeatureKind.Float,
        (3 << 3) | 2 => FeatureKind.Int64,
        _ => FeatureKind.None,
    };

    internal bool MoveNext()
    {
        while (true)
        {
            while (_list.IsAtEnd)
            {
                if (_fields.IsAtEnd) return false;
                var field = _fields.ReadTag();
                if (field == _listTag) _list = new WireReader(_fields.ReadBytes());
                else _fields.Skip(field);
            }
            var tag = _list.ReadTag();
            switch ((kind, tag))
            {
                case (_, ValueTag):
                    Bytes = _list.ReadBytes();
                    IsPacked = kind != FeatureKind.Bytes;
                    if (kind == FeatureKind.Float && Bytes.Length % sizeof(float) != 0)
                        throw new ExampleException($"malformed protobuf: {Bytes.Length} bytes are no number of floats");
                    return true;
                case (FeatureKind.Int64, 1 << 3):
                    Int64 = (long)_list.ReadVarint();
                    IsPacked = false;
                    return true;
                case (FeatureKind.Float, (1 << 3) | 5):
                    Single = _list.ReadSingle();
                    IsPacked = false;
                    return true;
                default:
                    _list.Skip(tag);
                    break;
            }
        }
    }
}
