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

    private readonly SparseEncoding? _encoding;

    internal TfliteTensor(
        int index, string name, TfliteElementType type, int[] shape, long count, ReadOnlyMemory<byte> data, TfliteQuantization? quantization,
        SparseEncoding? encoding)
    {
        Index = index;
        Name = name;
        Type = type;
        _shape = shape;
        ElementCount = count;
        Data = data;
        Quantization = quantization;
        _encoding = encoding;
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

    /// <summary>Whether the values are stored in TFLite's sparse encoding; <see cref="Data"/> then holds only those that are not zero.</summary>
    public bool IsSparse => _encoding is not null;

    /// <summary>What the integers mean, or null where the tensor is not quantised.</summary>
    public TfliteQuantization? Quantization { get; }

    /// <summary>Whether <see cref="ToFloats"/> can be called: a constant of 32-bit or 16-bit floats or of quantised integers.</summary>
    public bool HasFloats => IsConstant && Type switch
    {
        TfliteElementType.Float32 or TfliteElementType.Float16 => true,
        TfliteElementType.UInt8 or TfliteElementType.Int8 or TfliteElementType.Int16 or TfliteElementType.Int32 or TfliteElementType.Int64 =>
            Quantization is not null,
        _ => false,
    };

    /// <summary>Copies a constant: 16-bit floats are widened, quantised integers turned into the values they mean, sparse tensors made
    /// dense.</summary>
    /// <exception cref="InvalidOperationException"><see cref="HasFloats"/> is false.</exception>
    /// <exception cref="TfliteFormatException">The sparse encoding is damaged.</exception>
    public float[] ToFloats()
    {
        RequireFloats();
        var values = new float[ElementCount];
        CopyTo(values);
        return values;
    }

    /// <summary>Copies a constant into <paramref name="destination"/>, as <see cref="ToFloats"/> does.</summary>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has not exactly <see cref="ElementCount"/> elements.</exception>
    /// <inheritdoc cref="ToFloats" path="/exception"/>
    public void CopyTo(Span<float> destination)
    {
        RequireFloats();
        if (destination.Length != ElementCount)
            throw new ArgumentException($"{this} does not fit a span of {destination.Length}", nameof(destination));
        var bytes = Data.Span;
        if (Type == TfliteElementType.Float32 && !IsSparse && BitConverter.IsLittleEndian)
        {
            bytes.CopyTo(MemoryMarshal.AsBytes(destination));
            return;
        }
        var positions = _encoding?.Positions();
        if (positions is not null) destination.Clear();
        // Elements that share a scale lie in runs of this length.
        var run = 1;
        for (var i = (Quantization?.Axis ?? 0) + 1; i < _shape.Length; i++) run *= _shape[i];
        var stored = positions?.Length ?? destination.Length;
        for (var i = 0; i < stored; i++)
        {
            var at = positions is null ? i : positions[i];
            destination[at] = Type switch
            {
                TfliteElementType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                TfliteElementType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                _ => Quantization!.Value(ReadInteger(bytes, i), at / run % Quantization.Scales.Length),
            };
        }
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

    private long ReadInteger(ReadOnlySpan<byte> bytes, int index) => Type switch
    {
        TfliteElementType.UInt8 => bytes[index],
        TfliteElementType.Int8 => (sbyte)bytes[index],
        TfliteElementType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * index)..]),
        TfliteElementType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * index)..]),
        _ => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * index)..]),
    };

    private void RequireFloats()
    {
        if (!HasFloats) throw new InvalidOperationException($"{this} does not hold floats or quantised integers");
    }
}
