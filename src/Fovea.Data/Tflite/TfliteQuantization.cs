namespace Fovea.Data;

/// <summary>What the integers of a quantised tensor mean: <c>value = scale * (integer - zero point)</c>, with one pair for the whole tensor or
/// one per index along an axis.</summary>
public sealed class TfliteQuantization
{
    private readonly float[] _scales;
    private readonly long[] _zeroPoints;

    private TfliteQuantization(float[] scales, long[] zeroPoints, int axis)
    {
        _scales = scales;
        _zeroPoints = zeroPoints;
        Axis = axis;
    }

    /// <summary>One scale, or one per index along <see cref="Axis"/>.</summary>
    public ReadOnlySpan<float> Scales => _scales;

    /// <summary>As many as <see cref="Scales"/>.</summary>
    public ReadOnlySpan<long> ZeroPoints => _zeroPoints;

    /// <summary>The axis that <see cref="Scales"/> belong to, where there is more than one.</summary>
    public int Axis { get; }

    /// <summary>Reads a QuantizationParameters table; null where it only records a range.</summary>
    internal static TfliteQuantization? Read(FlatBuffer buffer, FlatTable table, ReadOnlySpan<int> shape, int maxScales, string name)
    {
        // QuantizationParameters: 0 min, 1 max, 2 scale, 3 zero_point, 6 quantized_dimension.
        var scales = Array.ConvertAll(table.Int32s(2, maxScales, $"scales of '{name}'"), BitConverter.Int32BitsToSingle);
        if (scales.Length == 0) return null;
        var zeroPoints = table.Int64s(3, maxScales, $"zero points of '{name}'");
        if (zeroPoints.Length == 0) zeroPoints = new long[scales.Length];
        var axis = table.Int32(6);
        var perTensor = scales.Length == 1;
        if (zeroPoints.Length != scales.Length || (!perTensor && ((uint)axis >= (uint)shape.Length || shape[axis] != scales.Length)))
            throw buffer.Invalid($"tensor '{name}' [{string.Join(',', shape.ToArray())}] has {scales.Length} scales and {zeroPoints.Length} zero points for axis {axis}");
        foreach (var scale in scales)
            if (!float.IsFinite(scale)) throw buffer.Invalid($"tensor '{name}' has the scale {scale}");
        return new TfliteQuantization(scales, zeroPoints, perTensor ? 0 : axis);
    }

    /// <summary>The value of an integer at an index along <see cref="Axis"/>. In double the product is exact, so this rounds once.</summary>
    internal float Value(long integer, int index) => (float)((double)_scales[index] * (integer - _zeroPoints[index]));
}
