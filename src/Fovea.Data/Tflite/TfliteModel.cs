namespace Fovea.Data;

/// <summary>
/// The tensors and operators of the first subgraph of a TFLite file: enough to take weights out of it, by name or by the
/// operator that consumes them. Safe on hostile bytes: a malformed file gives <see cref="TfliteFormatException"/>.
/// </summary>
public sealed class TfliteModel
{
    /// <summary>Largest file <see cref="Load"/> reads, in bytes.</summary>
    public const long MaxFileBytes = 1L << 30;

    // Far above any model this library reads; they bound time and memory on hostile counts.
    private const int MaxEntries = 65536;
    private const int MaxRank = 8;
    private const int MaxOperands = 4096;
    private const int MaxNameBytes = 4096;

    private readonly TfliteTensor[] _tensors;
    private readonly TfliteOperator[] _operators;
    private readonly int[] _inputs;
    private readonly int[] _outputs;

    private TfliteModel(FlatBuffer buffer)
    {
        Name = buffer.Name;
        if (buffer.Length < 8 || !buffer.Slice(4, 4).Span.SequenceEqual("TFL3"u8))
            throw buffer.Invalid("the identifier 'TFL3' is missing");
        // Model: 0 version, 1 operator_codes, 2 subgraphs, 3 description, 4 buffers.
        var model = buffer.TableAt(0);
        if (model.UInt32(0) is var version && version != 3) throw buffer.Invalid($"schema version {version}, expected 3");
        Description = model.String(3, MaxNameBytes, "description");
        var buffers = ReadBuffers(buffer, model);
        var (subgraphs, subgraphCount) = model.Tables(2, MaxEntries, "subgraphs");
        if (subgraphCount == 0) throw buffer.Invalid("no subgraph");
        // SubGraph: 0 tensors, 1 inputs, 2 outputs, 3 operators.
        var graph = buffer.TableAt(subgraphs);
        _tensors = ReadTensors(buffer, graph, buffers);
        _inputs = ReadIndexes(buffer, graph, 1, "subgraph inputs");
        _outputs = ReadIndexes(buffer, graph, 2, "subgraph outputs");
        _operators = ReadOperators(buffer, model, graph);
    }

    /// <summary>The file's path or the name given to <see cref="Parse"/>.</summary>
    public string Name { get; }

    /// <summary>Free text left by the converter.</summary>
    public string Description { get; }

    /// <summary>All tensors, constants and activations.</summary>
    public IReadOnlyList<TfliteTensor> Tensors => _tensors;

    /// <summary>All operators in execution order.</summary>
    public IReadOnlyList<TfliteOperator> Operators => _operators;

    /// <summary>Indexes of the graph's inputs.</summary>
    public ReadOnlySpan<int> Inputs => _inputs;

    /// <summary>Indexes of the graph's outputs.</summary>
    public ReadOnlySpan<int> Outputs => _outputs;

    /// <summary>Reads a file into memory and parses it.</summary>
    /// <exception cref="TfliteFormatException">The file is not a well-formed TFLite model or is above <see cref="MaxFileBytes"/>.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TfliteModel Load(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MaxFileBytes) throw new TfliteFormatException(path, $"{length} bytes, at most {MaxFileBytes} are accepted");
        return Parse(File.ReadAllBytes(path), path);
    }

    /// <summary>Parses a model in memory; tensors refer to <paramref name="bytes"/>, which must not change.</summary>
    /// <exception cref="TfliteFormatException">The bytes are not a well-formed TFLite model.</exception>
    public static TfliteModel Parse(ReadOnlyMemory<byte> bytes, string name) => new(new FlatBuffer(bytes, name));

    /// <summary>The first tensor with this name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public TfliteTensor GetTensor(string name) =>
        Array.Find(_tensors, t => t.Name == name) ?? throw new KeyNotFoundException($"{Name}: no tensor named '{name}'");

    /// <summary>
    /// The constant behind input <paramref name="input"/> of <paramref name="op"/>, looking through DEQUANTIZE and DENSIFY; null where the
    /// input is absent or computed.
    /// </summary>
    public TfliteTensor? FindConstant(TfliteOperator op, int input)
    {
        ArgumentNullException.ThrowIfNull(op);
        if (input >= op.Inputs.Length || op.Inputs[input] < 0) return null;
        var tensor = _tensors[op.Inputs[input]];
        // Sparse 16-bit weights go through both; a longer chain is no weight (and may be a hostile cycle).
        for (var steps = 0; steps < 3; steps++)
        {
            if (tensor.IsConstant) return tensor;
            var producer = Array.Find(_operators, o => o.Outputs.Contains(tensor.Index));
            if (producer is not { Opcode: TfliteOpcode.Dequantize or TfliteOpcode.Densify, Inputs.Length: 1 } || producer.Inputs[0] < 0) return null;
            tensor = _tensors[producer.Inputs[0]];
        }
        return null;
    }

    private static ReadOnlyMemory<byte>[] ReadBuffers(FlatBuffer buffer, FlatTable model)
    {
        var (start, count) = model.Tables(4, MaxEntries, "buffers");
        var buffers = new ReadOnlyMemory<byte>[count];
        for (var i = 0; i < count; i++)
        {
            // Buffer: 0 data, 1 offset, 2 size; the latter two place the bytes behind the FlatBuffer in large files.
            var table = buffer.TableAt(start + 4L * i);
            var (offset, size) = (table.UInt64(1), table.UInt64(2));
            if (offset > (ulong)buffer.Length || size > (ulong)buffer.Length)
                throw buffer.Invalid($"buffer {i} lies outside of the file");
            buffers[i] = offset > 1 ? buffer.Slice((long)offset, (long)size) : table.Bytes(0, $"buffer {i}");
        }
        return buffers;
    }

    private static TfliteTensor[] ReadTensors(FlatBuffer buffer, FlatTable graph, ReadOnlyMemory<byte>[] buffers)
    {
        var (start, count) = graph.Tables(0, MaxEntries, "tensors");
        var tensors = new TfliteTensor[count];
        for (var i = 0; i < count; i++)
        {
            // Tensor: 0 shape, 1 type, 2 buffer, 3 name, 4 quantization, 6 sparsity.
            var table = buffer.TableAt(start + 4L * i);
            var name = table.String(3, MaxNameBytes, "tensor name");
            var shape = table.Int32s(0, MaxRank, $"shape of tensor {i} '{name}'");
            var type = (TfliteElementType)table.SByte(1);
            var index = table.UInt32(2);
            if (index >= buffers.Length) throw buffer.Invalid($"tensor {i} '{name}' refers to buffer {index} of {buffers.Length}");
            var data = buffers[index];
            var elements = CountElements(buffer, shape, name);
            var quantization = table.Table(4) is { } parameters ? TfliteQuantization.Read(buffer, parameters, shape, MaxEntries, name) : null;
            var sparsity = table.Table(6);
            SparseEncoding? encoding = null;
            // By division: elements * size could overflow.
            if (!data.IsEmpty && TfliteTensor.SizeOf(type) is var size and > 0)
            {
                if (data.Length % size != 0 || (sparsity is null && data.Length / size != elements))
                    throw buffer.Invalid($"tensor {i} '{name}' [{string.Join(',', shape)}] of {type} has {data.Length} bytes of data");
                if (sparsity is { } levels) encoding = new SparseEncoding(buffer, levels, shape, elements, data.Length / size, name);
            }
            tensors[i] = new TfliteTensor(i, name, type, shape, elements, data, quantization, encoding);
        }
        return tensors;
    }

    private static long CountElements(FlatBuffer buffer, int[] shape, string name)
    {
        var count = 1L;
        foreach (var dimension in shape)
        {
            // 2^62 is not storable either way; the bound keeps the product from overflowing.
            if (dimension < 0 || (dimension > 0 && count > (1L << 62) / dimension))
                throw buffer.Invalid($"tensor '{name}' has the impossible shape [{string.Join(',', shape)}]");
            count *= dimension;
        }
        return count;
    }

    private TfliteOperator[] ReadOperators(FlatBuffer buffer, FlatTable model, FlatTable graph)
    {
        var (codeStart, codeCount) = model.Tables(1, MaxEntries, "operator codes");
        var codes = new (TfliteOpcode Opcode, string CustomName)[codeCount];
        for (var i = 0; i < codeCount; i++)
        {
            // OperatorCode: 0 deprecated 8-bit code, 1 custom name, 3 code; the larger of the two codes counts.
            var table = buffer.TableAt(codeStart + 4L * i);
            codes[i] = ((TfliteOpcode)Math.Max(table.SByte(0), table.Int32(3)), table.String(1, MaxNameBytes, "custom operator name"));
        }
        var (start, count) = graph.Tables(3, MaxEntries, "operators");
        var operators = new TfliteOperator[count];
        for (var i = 0; i < count; i++)
        {
            // Operator: 0 opcode_index, 1 inputs, 2 outputs, 3 kind of options, 4 options.
            var table = buffer.TableAt(start + 4L * i);
            var code = table.UInt32(0);
            if (code >= codeCount) throw buffer.Invalid($"operator {i} has code {code} of {codeCount}");
            operators[i] = new TfliteOperator(codes[code].Opcode, codes[code].CustomName, ReadIndexes(buffer, table, 1, $"inputs of operator {i}"),
                ReadIndexes(buffer, table, 2, $"outputs of operator {i}"), table.Table(4));
        }
        return operators;
    }

    private int[] ReadIndexes(FlatBuffer buffer, FlatTable table, int field, string what)
    {
        var indexes = table.Int32s(field, MaxOperands, what);
        foreach (var index in indexes)
            if (index < -1 || index >= _tensors.Length) throw buffer.Invalid($"{what}: tensor {index} of {_tensors.Length}");
        return indexes;
    }
}
