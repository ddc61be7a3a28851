using System.Buffers.Binary;

namespace Fovea.Data;

/// <summary>A constant tensor of an ONNX model. Its bytes are a view of the file.</summary>
public sealed class OnnxTensor
{
    private readonly long[] _shape;
    private readonly ReadOnlyMemory<byte> _data;

    internal OnnxTensor(string name, OnnxElementType type, long[] shape, int count, ReadOnlyMemory<byte> data)
    {
        (Name, Type, _shape, ElementCount, _data) = (name, type, shape, count, data);
    }

    /// <summary>Name inside the model.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public OnnxElementType Type { get; }

    /// <summary>Dimensions; none for a scalar.</summary>
    public ReadOnlySpan<long> Shape => _shape;

    /// <summary>Product of the dimensions.</summary>
    public int ElementCount { get; }

    /// <summary>The values, row-major; f16 is widened.</summary>
    /// <exception cref="InvalidOperationException">The elements are integers.</exception>
    public float[] ToFloats()
    {
        var values = new float[ElementCount];
        var bytes = _data.Span;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Type switch
            {
                OnnxElementType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                OnnxElementType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                _ => throw new InvalidOperationException($"{this} does not hold floating-point numbers"),
            };
        }
        return values;
    }

    /// <summary>For example "encoder.weight Float32 [64,128,3]".</summary>
    public override string ToString() => $"{Name} {Type} [{string.Join(',', _shape)}]";
}
