using System.Text;

namespace Fovea.Data;

/// <summary>The order of names in TensorFlow: by code points, which is the order of UTF-8 bytes and of no culture. UTF-16 order
/// differs from it beyond U+FFFF.</summary>
internal static class NameOrder
{
    public static int Compare(string? a, string? b)
    {
        var left = (a ?? "").EnumerateRunes();
        var right = (b ?? "").EnumerateRunes();
        while (true)
        {
            bool more = left.MoveNext(), other = right.MoveNext();
            if (!more || !other) return more.CompareTo(other);
            if (left.Current.CompareTo(right.Current) is var order and not 0) return order;
        }
    }
}
