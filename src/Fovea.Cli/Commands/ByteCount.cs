using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Fovea.Cli.Commands;

/// <summary>A number of bytes as people write it: 1000000, 512K, 64M, 2G; a letter stands for a power of 1024.</summary>
internal readonly record struct ByteCount(long Value) : ISpanParsable<ByteCount>
{
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out ByteCount result)
    {
        result = default;
        if (s.IsEmpty) return false;
        var power = "KMG".IndexOf(char.ToUpperInvariant(s[^1]), StringComparison.Ordinal) + 1;
        if (!long.TryParse(power > 0 ? s[..^1] : s, NumberStyles.None, provider, out var value) || value > long.MaxValue >> 10 * power) return false;
        result = new ByteCount(value << 10 * power);
        return true;
    }

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ByteCount result) =>
        TryParse(s.AsSpan(), provider, out result);

    public static ByteCount Parse(ReadOnlySpan<char> s, IFormatProvider? provider) =>
        TryParse(s, provider, out var result) ? result : throw new FormatException($"'{s}' is no number of bytes");

    public static ByteCount Parse(string s, IFormatProvider? provider) => Parse(s.AsSpan(), provider);
}
