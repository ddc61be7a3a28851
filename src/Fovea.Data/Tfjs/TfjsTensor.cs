using System.Buffers.Binary;

namespace Fovea.Data;

/// <summary>
/// A weight of a TensorFlow.js model. Layouts are TensorFlow's: convolution weights [kh][kw][in][out], depthwise
/// [kh][kw][in][multiplier], dense layers [in][out].
/// </summary>
public sealed class TfjsTensor
{
    private readonly int[] _shape;
    private readonly string _stored;
    private readonly double _scale, _min;

    internal TfjsTensor(string name, string type, string stored, int[] shape, int count, double scale, double min, ReadOnlyMemory<byte> data)
    {
        (Name, Type, _stored, _shape, ElementCount, _scale, _min, Data) = (name, type, stored, shape, count, scale, min, data);
    }

    /// <summary>Name of the variable or constant.</summary>
    public string Name { get; }

    /// <summary>Type the model computes with: "float32", "int32" or "bool".</summary>
    public string Type { get; }

    /// <summary>Dimensions, outermost first; empty for a scalar.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>Product of <see cref="Shape"/>.</summary>
    public int ElementCount { get; }

    /// <summary>The stored bytes, little-endian; a view of the shard.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Copies a float weight: 16-bit floats are widened, 8-bit and 16-bit integers mean <c>integer * scale + min</c>.</summary>
    /// <exception cref="InvalidOperationException">The weight is no float.</exception>
    public float[] ToFloats()
    {
        if (Type != "float32") throw new InvalidOperationException($"{this} does not hold floats");
        var values = new float[ElementCount];
        var bytes = Data.Span;
        for (var i = 0; i < values.Length; i++)
            values[i] = _stored switch
            {
                "float32" => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                "float16" => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                "uint8" => (float)(bytes[i] * _scale + _min),
                _ => (float)(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) * _scale + _min),
            };
        return values;
    }

    /// <summary>Copies an integer weight (axes, paddings, target shapes).</summary>
    /// <exception cref="InvalidOperationException">The weight is no 32-bit integer.</exception>
    public int[] ToInt32s()
    {
        if (Type != "int32") throw new InvalidOperationException($"{this} does not hold 32-bit integers");
        var values = new int[ElementCount];
        for (var i = 0; i < values.Length; i++) values[i] = BinaryPrimitives.ReadInt32LittleEndian(Data.Span[(4 * i)..]);
        return values;
    }

    /// <summary>Such as <c>conv0/filters float32 [3,3,3,16]</c>.</summary>
    public override string ToString() => $"{Name} {Type} [{string.Join(',', _shape)}]";

    // Bytes per stored element, or 0 for a type this reader does not know.
    internal static int SizeOf(string stored) => stored switch
    {
        "bool" or "uint8" => 1,
        "float16" or "uint16" => 2,
        "float32" or "int32" => 4,
        _ => 0,
    };
}
