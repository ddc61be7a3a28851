using System.Text;

namespace Fovea.Data;

/// <summary>The constants of an ONNX model: initializers and Constant nodes, those of nested graphs (If, Loop, Scan) included. The
/// graph itself is not interpreted: networks are written by hand and take their weights from here by name.</summary>
/// <remarks>Hostile files are expected: nothing is read outside of the file, and sizes are checked before anything is allocated. Tensors
/// whose elements lie in other files, or in the typed lists of integers, strings and doubles, are passed over.</remarks>
public sealed class OnnxWeights
{
    /// <summary>Largest file that is read.</summary>
    public const long MaxFileBytes = 1L << 30;

    private const int MaxDepth = 16, MaxRank = 16;

    private readonly Dictionary<string, OnnxTensor> _tensors = [];
    private readonly ReadOnlyMemory<byte> _file;

    private OnnxWeights(ReadOnlyMemory<byte> file, string name) => (_file, Name) = (file, name);

    /// <summary>The file.</summary>
    public string Name { get; }

    /// <summary>All constants whose elements are in the file.</summary>
    public IReadOnlyCollection<OnnxTensor> Tensors => _tensors.Values;

    /// <summary>Reads a model.</summary>
    /// <param name="model">The bytes of the file, which tensors keep views of.</param>
    /// <param name="name">The file's name, for messages.</param>
    /// <exception cref="OnnxFormatException">It is malformed, or holds no constant.</exception>
    public static OnnxWeights Parse(ReadOnlyMemory<byte> model, string name)
    {
        var weights = new OnnxWeights(model, name);
        try
        {
            var message = new WireReader(model.Span);
            while (!message.IsAtEnd)
            {
                var tag = message.ReadTag();
                if (tag == WireReader.Delimited(7)) weights.ReadGraph(message.ReadBytes(), 0);
                else message.Skip(tag);
            }
        }
        catch (ExampleException e)
        {
            throw new OnnxFormatException(name, e.Message, e);
        }
        if (weights._tensors.Count == 0) throw new OnnxFormatException(name, "it holds no constants");
        return weights;
    }

    /// <summary>Reads a model from a file.</summary>
    /// <exception cref="OnnxFormatException">It is malformed.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static OnnxWeights Load(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MaxFileBytes) throw new OnnxFormatException(path, $"it has {length} bytes, more than {MaxFileBytes}");
        return Parse(File.ReadAllBytes(path), path);
    }

    /// <summary>The constant of this name and shape.</summary>
    /// <exception cref="InvalidDataException">There is none, or its shape is another.</exception>
    public OnnxTensor Get(string name, params ReadOnlySpan<long> shape)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
            throw new InvalidDataException($"{Name}: there is no constant '{name}', so this is not the expected network.");
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidDataException($"{Name}: {tensor} should have shape [{string.Join(',', shape.ToArray())}].");
        return tensor;
    }

    // GraphProto: node 1, initializer 5.
    private void ReadGraph(ReadOnlySpan<byte> bytes, int depth)
    {
        if (depth > MaxDepth) throw new OnnxFormatException(Name, $"graphs are nested deeper than {MaxDepth}");
        var graph = new WireReader(bytes);
        while (!graph.IsAtEnd)
        {
            var tag = graph.ReadTag();
            if (tag == WireReader.Delimited(1)) ReadNode(graph.ReadBytes(), depth);
            else if (tag == WireReader.Delimited(5)) ReadTensor(graph.ReadBytes(), name: null);
            else graph.Skip(tag);
        }
    }

    // NodeProto: output 2, op_type 4, attribute 5. A Constant is named by what it puts out.
    private void ReadNode(ReadOnlySpan<byte> bytes, int depth)
    {
        string output = "", op = "";
        var node = new WireReader(bytes);
        while (!node.IsAtEnd)
        {
            var tag = node.ReadTag();
            if (tag == WireReader.Delimited(2) && output.Length == 0) output = Text(node.ReadBytes());
            else if (tag == WireReader.Delimited(4)) op = Text(node.ReadBytes());
            else node.Skip(tag);
        }
        node = new WireReader(bytes);
        while (!node.IsAtEnd)
        {
            var tag = node.ReadTag();
            if (tag == WireReader.Delimited(5)) ReadAttribute(node.ReadBytes(), op == "Constant" ? output : null, depth);
            else node.Skip(tag);
        }
    }

    // AttributeProto: tensor 5, graph 6, graphs 11.
    private void ReadAttribute(ReadOnlySpan<byte> bytes, string? constant, int depth)
    {
        var attribute = new WireReader(bytes);
        while (!attribute.IsAtEnd)
        {
            var tag = attribute.ReadTag();
            if (tag == WireReader.Delimited(5) && constant is not null) ReadTensor(attribute.ReadBytes(), constant);
            else if (tag == WireReader.Delimited(6) || tag == WireReader.Delimited(11)) ReadGraph(attribute.ReadBytes(), depth + 1);
            else attribute.Skip(tag);
        }
    }

    // TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9.
    private void ReadTensor(ReadOnlySpan<byte> bytes, string? name)
    {
        List<long> shape = [];
        var type = 0UL;
        ReadOnlySpan<byte> data = default;
        var tensor = new WireReader(bytes);
        while (!tensor.IsAtEnd)
        {
            var tag = tensor.ReadTag();
            switch (tag)
            {
                case 1 << 3: AddDimension(shape, tensor.ReadVarint()); break;
                case (1 << 3) | 2:
                    var packed = new WireReader(tensor.ReadBytes());
                    while (!packed.IsAtEnd) AddDimension(shape, packed.ReadVarint());
                    break;
                case 2 << 3: type = tensor.ReadVarint(); break;
                case (4 << 3) | 2: // packed float_data
                case (9 << 3) | 2: data = tensor.ReadBytes(); break;
                case (8 << 3) | 2:
                    var own = Text(tensor.ReadBytes());
                    name ??= own;
                    break;
                default: tensor.Skip(tag); break;
            }
        }
        if (string.IsNullOrEmpty(name) || SizeOf(type) is not { } size || data.IsEmpty) return;
        long count = 1;
        foreach (var dimension in shape)
        {
            if (dimension != 0 && count > data.Length / dimension) throw Bad($"tensor '{name}' of shape [{string.Join(',', shape)}] has only {data.Length} bytes");
            count *= dimension;
        }
        if (count * size != data.Length) throw Bad($"tensor '{name}' of shape [{string.Join(',', shape)}] has {data.Length} bytes instead of {count * size}");
        if (!_tensors.TryAdd(name, new OnnxTensor(name, (OnnxElementType)type, [.. shape], (int)count, Keep(data)))) throw Bad($"'{name}' is there twice");
    }

    private void AddDimension(List<long> shape, ulong dimension)
    {
        if (dimension > int.MaxValue) throw Bad($"a dimension is {(long)dimension}");
        if (shape.Count == MaxRank) throw Bad($"a tensor has more than {MaxRank} dimensions");
        shape.Add((long)dimension);
    }

    private static int? SizeOf(ulong type) => type switch
    {
        (ulong)OnnxElementType.Float32 or (ulong)OnnxElementType.Int32 => 4,
        (ulong)OnnxElementType.Int64 => 8,
        (ulong)OnnxElementType.Float16 => 2,
        (ulong)OnnxElementType.UInt8 or (ulong)OnnxElementType.Int8 or (ulong)OnnxElementType.Bool => 1,
        _ => null,
    };

    // The same bytes as a view of the file that may be kept.
    private ReadOnlyMemory<byte> Keep(ReadOnlySpan<byte> data)
    {
        _file.Span.Overlaps(data, out var offset);
        return _file.Slice(offset, data.Length);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private OnnxFormatException Bad(string problem) => new(Name, problem);
}
