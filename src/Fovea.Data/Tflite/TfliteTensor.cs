using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Fovea.Data;

/// <summary>
/// A tensor of a TFLite model. Constants (weights) carry their bytes; activations only a shape. Layouts are TFLite's:
/// convolution weights [out][kh][kw][in], depthwise [1][kh][kw][channels], fully connected [out][in].
/// </summary>
public sealed class TfliteTensor
{
    private readonly int[] _shape;

    internal TfliteTensor(int index, string name, TfliteElementType type, int[] shape, long count, ReadOnlyMemory<byte> data, bool isSparse)
    {
        Index = index;
        Name = name;
        Type = type;
        _shape = shape;
        ElementCount = count;
        Data = data;
        IsSparse = isSparse;
    }

    /// <summary>Position in <see cref="TfliteModel.Tensors"/>; operators name tensors by it.</summary>
    public int Index { get; }

    /// <summary>Name given by the converter; may be empty, need not be unique.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public TfliteElementType Type { get; }

    /// <summary>Dimensions, outermost first; empty for a scalar.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>Product of <see cref="Shape"/>.</summary>
    public long ElementCount { get; }

    /// <summary>The stored bytes, little-endian; empty for activations. A view of the model's memory.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Whether the values are stored in the file.</summary>
    public bool IsConstant => !Data.IsEmpty;

    /// <summary>Whether the values are stored in TFLite's sparse encoding, which this reader does not expand.</summary>
    public bool IsSparse { get; }

    /// <summary>Copies a float constant, widening 16-bit floats.</summary>
    /// <exception cref="InvalidOperationException">The tensor is no constant, is sparse or holds no floats.</exception>
    public float[] ToFloats()
    {
        RequireFloats();
        var values = new float[ElementCount];
        CopyTo(values);
        return values;
    }

    /// <summary>Copies a float constant into <paramref name="destination"/>, widening 16-bit floats.</summary>
    /// <exception cref="InvalidOperationException">The tensor is no constant, is sparse or holds no floats.</exception>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has not exactly <see cref="ElementCount"/> elements.</exception>
    public void CopyTo(Span<float> destination)
    {
        RequireFloats();
        if (destination.Length != ElementCount)
            throw new ArgumentException($"{this} does not fit a span of {destination.Length}", nameof(destination));
        var bytes = Data.Span;
        if (Type == TfliteElementType.Float32)
        {
            if (BitConverter.IsLittleEndian) bytes.CopyTo(MemoryMarshal.AsBytes(destination));
            else
                for (var i = 0; i < destination.Length; i++)
                    destination[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
            return;
        }
        for (var i = 0; i < destination.Length; i++)
            destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
    }

    /// <summary>Copies a 32-bit integer constant (axes, paddings, target shapes).</summary>
    /// <exception cref="InvalidOperationException">The tensor is no constant, is sparse or holds no 32-bit integers.</exception>
    public int[] ToInt32s()
    {
        if (!IsConstant || IsSparse || Type != TfliteElementType.Int32)
            throw new InvalidOperationException($"{this} does not hold dense 32-bit integers");
        var values = new int[ElementCount];
        for (var i = 0; i < values.Length; i++) values[i] = BinaryPrimitives.ReadInt32LittleEndian(Data.Span[(4 * i)..]);
        return values;
    }

    /// <summary>Such as <c>conv1/weights Float32 [10,3,3,3]</c>.</summary>
    public override string ToString() => $"{Name} {Type} [{string.Join(',', _shape)}]";

    // Bytes per element, or 0 where the size does not follow from the count (strings, packed 4-bit, unknown types).
    internal static int SizeOf(TfliteElementType type) => type switch
    {
        TfliteElementType.Boolean or TfliteElementType.UInt8 or TfliteElementType.Int8 => 1,
        TfliteElementType.Float16 or TfliteElementType.Int16 => 2,
        TfliteElementType.Float32 or TfliteElementType.Int32 => 4,
        TfliteElementType.Int64 or TfliteElementType.Float64 or TfliteElementType.Complex64 => 8,
        _ => 0,
    };

    private void RequireFloats()
    {
        if (!IsConstant || IsSparse || Type is not (TfliteElementType.Float32 or TfliteElementType.Float16))
            throw new InvalidOperationException($"{this} does not hold dense floats");
    }
}
