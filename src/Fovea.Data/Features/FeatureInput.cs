using System.Text;

namespace Fovea.Data;

/// <summary>A raw feature of a batch: a ragged column of integers, numbers or strings. Row r has values [RowSplits[r],
/// RowSplits[r + 1]); in a sequence with <see cref="StepSplits"/> it has these steps, and step s has values [StepSplits[s],
/// StepSplits[s + 1]). Only a view: the memory stays its owner's.</summary>
public sealed class FeatureInput
{
    private FeatureInput(FeatureKind kind, int count, ReadOnlyMemory<long> rowSplits, bool isDense, ReadOnlyMemory<long> stepSplits)
    {
        Kind = kind;
        Count = count;
        RowSplits = rowSplits;
        StepSplits = stepSplits;
        IsDense = isDense;
        if (stepSplits.IsEmpty)
        {
            Check(rowSplits.Span, count, "row splits");
        }
        else
        {
            Check(stepSplits.Span, count, "step splits");
            Check(rowSplits.Span, stepSplits.Length - 1, "row splits");
        }
    }

    /// <summary>Type of the values.</summary>
    public FeatureKind Kind { get; }

    /// <summary>Number of values.</summary>
    public int Count { get; }

    /// <summary>Number of rows.</summary>
    public int Rows => RowSplits.Length - 1;

    /// <summary>[rows + 1], from 0.</summary>
    public ReadOnlyMemory<long> RowSplits { get; }

    /// <summary>[steps + 1], or empty where every value is a step of its own.</summary>
    public ReadOnlyMemory<long> StepSplits { get; }

    /// <summary>Whether the values come from a dense tensor (FixedLen): there '' and -1 stand for missing values.</summary>
    public bool IsDense { get; }

    /// <summary>The values of an integer feature.</summary>
    public ReadOnlyMemory<long> Integers { get; private init; }

    /// <summary>The values of a feature of floats.</summary>
    public ReadOnlyMemory<float> Floats { get; private init; }

    /// <summary>The strings of a feature, one behind the other.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private init; }

    /// <summary>[count + 1]: where each string begins in <see cref="Bytes"/>.</summary>
    public ReadOnlyMemory<long> Offsets { get; private init; }

    /// <summary>A feature of integers.</summary>
    /// <exception cref="ArgumentException">The splits do not divide the values.</exception>
    public static FeatureInput Of(ReadOnlyMemory<long> values, ReadOnlyMemory<long> rowSplits, bool isDense = false,
        ReadOnlyMemory<long> stepSplits = default) =>
        new(FeatureKind.Int64, values.Length, rowSplits, isDense, stepSplits) { Integers = values };

    /// <summary>A feature of floats.</summary>
    /// <exception cref="ArgumentException">The splits do not divide the values.</exception>
    public static FeatureInput Of(ReadOnlyMemory<float> values, ReadOnlyMemory<long> rowSplits, bool isDense = false,
        ReadOnlyMemory<long> stepSplits = default) =>
        new(FeatureKind.Float, values.Length, rowSplits, isDense, stepSplits) { Floats = values };

    /// <summary>A feature of strings.</summary>
    /// <exception cref="ArgumentException">The splits do not divide the strings, or the offsets the bytes.</exception>
    public static FeatureInput Of(ReadOnlyMemory<byte> bytes, ReadOnlyMemory<long> offsets, ReadOnlyMemory<long> rowSplits,
        bool isDense = false, ReadOnlyMemory<long> stepSplits = default)
    {
        Check(offsets.Span, bytes.Length, "offsets");
        return new FeatureInput(FeatureKind.Bytes, offsets.Length - 1, rowSplits, isDense, stepSplits) { Bytes = bytes, Offsets = offsets };
    }

    /// <summary>A feature of strings of UTF-8 texts, one array a row. Copies.</summary>
    public static FeatureInput Of(IReadOnlyList<string[]> rows, bool isDense = false)
    {
        var texts = rows.SelectMany(row => row).Select(Encoding.UTF8.GetBytes).ToArray();
        return Of(texts.SelectMany(text => text).ToArray(), Splits(texts.Select(text => text.Length)), SplitsOf(rows), isDense);
    }

    /// <summary>A feature of integers, one array a row. Copies.</summary>
    public static FeatureInput Of(IReadOnlyList<long[]> rows, bool isDense = false) =>
        Of(rows.SelectMany(row => row).ToArray(), SplitsOf(rows), isDense);

    /// <summary>A feature of floats, one array a row. Copies.</summary>
    public static FeatureInput Of(IReadOnlyList<float[]> rows, bool isDense = false) =>
        Of(rows.SelectMany(row => row).ToArray(), SplitsOf(rows), isDense);

    /// <summary>String <paramref name="index"/> of a feature of strings.</summary>
    public ReadOnlySpan<byte> Text(int index)
    {
        var offsets = Offsets.Span;
        return Bytes.Span[(int)offsets[index]..(int)offsets[index + 1]];
    }

    /// <summary>Whether value <paramref name="index"/> of a dense feature stands for a missing one.</summary>
    internal bool IsMissing(int index) => Kind switch
    {
        FeatureKind.Bytes => Offsets.Span[index] == Offsets.Span[index + 1],
        FeatureKind.Int64 => Integers.Span[index] == -1,
        _ => Floats.Span[index] == 0,
    };

    /// <summary>Where row <paramref name="row"/> begins among the values.</summary>
    internal int RowStart(int row)
    {
        var start = RowSplits.Span[row];
        return (int)(StepSplits.IsEmpty ? start : StepSplits.Span[(int)start]);
    }

    private static long[] SplitsOf<T>(IReadOnlyList<T[]> rows) => Splits(rows.Select(row => row.Length));

    private static long[] Splits(IEnumerable<int> lengths)
    {
        var splits = new List<long> { 0 };
        foreach (var length in lengths) splits.Add(splits[^1] + length);
        return [.. splits];
    }

    private static void Check(ReadOnlySpan<long> splits, long count, string name)
    {
        if (splits.IsEmpty || splits[0] != 0 || splits[^1] != count)
            throw new ArgumentException($"{name} must go from 0 to {count}", nameof(splits));
        for (var i = 1; i < splits.Length; i++)
            if (splits[i] < splits[i - 1]) throw new ArgumentException($"{name} descend at {i}", nameof(splits));
    }
}
