using System.Runtime.InteropServices;
using System.Text;

namespace Fovea.Data;

/// <summary>Writes the fields of tf.train.Feature. Numbers are packed; an empty list is written as a list without contents,
/// which keeps its kind.</summary>
internal static class FeatureWriter
{
    internal static void Write(WireWriter output, ReadOnlySpan<long> values)
    {
        var list = output.BeginMessage((int)FeatureKind.Int64);
        if (!values.IsEmpty)
        {
            var packed = output.BeginMessage(1);
            foreach (var value in values) output.WriteVarint((ulong)value);
            output.EndMessage(packed);
        }
        output.EndMessage(list);
    }

    internal static void Write(WireWriter output, ReadOnlySpan<float> values)
    {
        var list = output.BeginMessage((int)FeatureKind.Float);
        if (!values.IsEmpty)
        {
            output.WriteTag(1);
            output.WriteBytes(MemoryMarshal.AsBytes(values));
        }
        output.EndMessage(list);
    }

    internal static void Write(WireWriter output, ReadOnlySpan<byte> value)
    {
        var list = output.BeginMessage((int)FeatureKind.Bytes);
        output.WriteTag(1);
        output.WriteBytes(value);
        output.EndMessage(list);
    }

    internal static void Write(WireWriter output, ReadOnlySpan<byte[]> values)
    {
        var list = output.BeginMessage((int)FeatureKind.Bytes);
        foreach (var value in values)
        {
            output.WriteTag(1);
            output.WriteBytes(value);
        }
        output.EndMessage(list);
    }

    internal static void Write(WireWriter output, ReadOnlySpan<string> values)
    {
        var list = output.BeginMessage((int)FeatureKind.Bytes);
        Span<byte> small = stackalloc byte[256];
        foreach (var value in values)
        {
            output.WriteTag(1);
            if (Encoding.UTF8.TryGetBytes(value, small, out var count)) output.WriteBytes(small[..count]);
            else output.WriteBytes(Encoding.UTF8.GetBytes(value));
        }
        output.EndMessage(list);
    }
}
