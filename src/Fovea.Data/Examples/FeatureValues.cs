using System.Text;

namespace Fovea.Data;

/// <summary>A list of values of one kind: what stands in for a missing feature.</summary>
public sealed class FeatureValues
{
    private readonly long[] _int64s = [];
    private readonly float[] _floats = [];
    private readonly byte[][] _bytes = [];

    private FeatureValues(long[] values) => (_int64s, Kind, Count) = (values, FeatureKind.Int64, values.Length);

    private FeatureValues(float[] values) => (_floats, Kind, Count) = (values, FeatureKind.Float, values.Length);

    private FeatureValues(byte[][] values) => (_bytes, Kind, Count) = (values, FeatureKind.Bytes, values.Length);

    /// <summary>Type of the values.</summary>
    public FeatureKind Kind { get; }

    /// <summary>Number of values.</summary>
    public int Count { get; }

    /// <summary>The values, where they are integers.</summary>
    public ReadOnlySpan<long> Int64s => _int64s;

    /// <summary>The values, where they are floats.</summary>
    public ReadOnlySpan<float> Floats => _floats;

    /// <summary>A list of integers.</summary>
    public static FeatureValues Of(params ReadOnlySpan<long> values) => new(values.ToArray());

    /// <summary>A list of floats.</summary>
    public static FeatureValues Of(params ReadOnlySpan<float> values) => new(values.ToArray());

    /// <summary>A list of strings, in UTF-8.</summary>
    public static FeatureValues Of(params ReadOnlySpan<string> values)
    {
        var bytes = new byte[values.Length][];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = Encoding.UTF8.GetBytes(values[i]);
        return new FeatureValues(bytes);
    }

    /// <summary>A list of byte strings.</summary>
    public static FeatureValues Of(params ReadOnlySpan<byte[]> values) => new(values.ToArray());

    /// <summary>A byte string of the list.</summary>
    public ReadOnlySpan<byte> Bytes(int index) => _bytes[index];

    /// <summary>What TensorFlow pads with: zeros or empty strings.</summary>
    internal static FeatureValues Zeros(FeatureKind kind, int count) => kind switch
    {
        FeatureKind.Int64 => new FeatureValues(new long[count]),
        FeatureKind.Float => new FeatureValues(new float[count]),
        _ => new FeatureValues(Enumerable.Repeat(Array.Empty<byte>(), count).ToArray()),
    };
}
