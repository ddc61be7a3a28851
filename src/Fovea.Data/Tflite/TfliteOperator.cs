namespace Fovea.Data;

/// <summary>One operator of a TFLite graph, in execution order.</summary>
public sealed class TfliteOperator
{
    private readonly int[] _inputs;
    private readonly int[] _outputs;
    private readonly FlatTable? _options;

    internal TfliteOperator(TfliteOpcode opcode, string customName, int[] inputs, int[] outputs, FlatTable? options)
    {
        Opcode = opcode;
        CustomName = customName;
        _inputs = inputs;
        _outputs = outputs;
        _options = options;
    }

    /// <summary>What it computes.</summary>
    public TfliteOpcode Opcode { get; }

    /// <summary>Name of a <see cref="TfliteOpcode.Custom"/> operator, else empty.</summary>
    public string CustomName { get; }

    /// <summary>Indexes into <see cref="TfliteModel.Tensors"/>, each checked; -1 is an optional input left out.</summary>
    public ReadOnlySpan<int> Inputs => _inputs;

    /// <summary>Indexes into <see cref="TfliteModel.Tensors"/>, each checked.</summary>
    public ReadOnlySpan<int> Outputs => _outputs;

    /// <summary>A one-byte option by its field number in the schema's option table (Conv2D: 0 padding, 0 = SAME, 1 = VALID).</summary>
    public int ByteOption(int field, int absent = 0) => _options?.SByte(field, (sbyte)absent) ?? absent;

    /// <summary>A 32-bit option by its field number in the schema's option table (Conv2D: 1 stride_w, 2 stride_h).</summary>
    public int Int32Option(int field, int absent = 0) => _options?.Int32(field, absent) ?? absent;
}
