using System.Runtime.InteropServices;
using Fovea.Bench.Workloads;
using Google.Protobuf;

namespace Fovea.Bench.Peers.Onnx;

/// <summary>Writes a small feed-forward ONNX graph in memory: each call adds one node and returns the name of its output. Images are
/// NCHW, weights become initializers, a dimension given as a name is known only at run time.</summary>
internal sealed class OnnxBuilder
{
    // Operator set 13 has most operators in their present form; IR version 8 goes with it, 10 with the newest ones.
    private const int IrVersion = 8, NewestIrVersion = 10, FirstNewOperatorSet = 19;

    private readonly GraphProto _graph;

    private readonly int _operatorSet;

    public OnnxBuilder(string name, int operatorSet = 13) => (_graph, _operatorSet) = (new GraphProto { Name = name }, operatorSet);

    /// <summary>The graph itself, to be the body of a loop.</summary>
    public GraphProto Graph => _graph;

    /// <summary>Declares a float input.</summary>
    public string Input(string name, params ReadOnlySpan<OnnxDimension> shape)
    {
        _graph.Input.Add(Value(name, shape));
        return name;
    }

    /// <summary>Declares a float output; <paramref name="value"/> is the name of a node's output.</summary>
    public void Output(string value, params ReadOnlySpan<OnnxDimension> shape) => _graph.Output.Add(Value(value, shape));

    /// <summary>Declares an output of 64-bit integers.</summary>
    public void IntegerOutput(string value, params ReadOnlySpan<OnnxDimension> shape) => _graph.Output.Add(Value(value, shape, TensorProto.Types.DataType.Int64));

    /// <summary>Valid convolution with stride 1; <paramref name="weights"/> is <c>[outputs][inputs][size][size]</c>.</summary>
    public string Conv(string x, string name, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int inputs, int size)
    {
        var w = Initializer(name + ".weight", weights, bias.Length, inputs, size, size);
        var b = Initializer(name + ".bias", bias, bias.Length);
        return Node("Conv", name, [x, w, b], Ints("kernel_shape", size, size));
    }

    /// <summary>Convolution of any kind; <paramref name="weights"/> is <c>[outputs][inputs/groups][size][size]</c>.</summary>
    public string Conv(string x, string name, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ConvShape shape)
    {
        var w = Initializer(name + ".weight", weights, shape.OutChannels, shape.InChannels / shape.Groups, shape.Kernel, shape.Kernel);
        ReadOnlySpan<AttributeProto> attributes =
        [
            Ints("kernel_shape", shape.Kernel, shape.Kernel), Ints("strides", shape.Stride, shape.Stride), Ints("dilations", shape.Dilation, shape.Dilation),
            Ints("pads", shape.Padding, shape.Padding, shape.Padding, shape.Padding), Int("group", shape.Groups),
        ];
        return bias.IsEmpty ? Node("Conv", name, [x, w], attributes) : Node("Conv", name, [x, w, Initializer(name + ".bias", bias, bias.Length)], attributes);
    }

    /// <summary>Leaky slope per channel of an NCHW map, or per feature of a matrix: <paramref name="rank"/> is that of
    /// <paramref name="x"/>.</summary>
    public string PRelu(string x, string name, ReadOnlySpan<float> slope, int rank)
    {
        // Unidirectional broadcasting aligns trailing dimensions: channels of NCHW are [C][1][1].
        long[] shape = rank == 4 ? [slope.Length, 1, 1] : [slope.Length];
        return Node("PRelu", name, [x, Initializer(name + ".slope", slope, shape)]);
    }

    /// <summary>Max pooling without padding; with <paramref name="ceiling"/> the last window may reach over the edge.</summary>
    public string MaxPool(string x, string name, int size, int stride, bool ceiling) =>
        Node("MaxPool", name, [x], Ints("kernel_shape", size, size), Ints("strides", stride, stride), Int("ceil_mode", ceiling ? 1 : 0));

    /// <summary>Fully connected layer; <paramref name="weights"/> is <c>[outputs][inputs]</c>.</summary>
    public string Gemm(string x, string name, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        var w = Initializer(name + ".weight", weights, bias.Length, weights.Length / bias.Length);
        return Node("Gemm", name, [x, w, Initializer(name + ".bias", bias, bias.Length)], Int("transB", 1));
    }

    public string Relu(string x, string name) => Node("Relu", name, [x]);

    public string Softmax(string x, string name, int axis) => Node("Softmax", name, [x], Int("axis", axis));

    public string Transpose(string x, string name, params long[] permutation) => Node("Transpose", name, [x], Ints("perm", permutation));

    /// <summary><c>[N, ...]</c> to <c>[N, features]</c>.</summary>
    public string Flatten(string x, string name) => Node("Flatten", name, [x], Int("axis", 1));

    public string Identity(string x, string name) => Node("Identity", name, [x]);

    public string Add(string a, string b, string name) => Node("Add", name, [a, b]);

    /// <summary>The serialized model.</summary>
    public byte[] Build()
    {
        var model = new ModelProto { IrVersion = _operatorSet < FirstNewOperatorSet ? IrVersion : NewestIrVersion, ProducerName = "Fovea.Bench", Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = _operatorSet });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        return model.ToByteArray();
    }

    /// <summary>Any operator with one output; <paramref name="operation"/> may have its domain in front, as in
    /// <c>com.microsoft:MultiHeadAttention</c>.</summary>
    public string Node(string operation, string name, ReadOnlySpan<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        Nodes(operation, [name], inputs, attributes);
        return name;
    }

    /// <summary>Any operator with several outputs.</summary>
    public void Nodes(string operation, ReadOnlySpan<string> outputs, ReadOnlySpan<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = new NodeProto { OpType = operation[(operation.IndexOf(':', StringComparison.Ordinal) + 1)..], Name = outputs[^1] };
        if (node.OpType.Length < operation.Length) node.Domain = operation[..(operation.Length - node.OpType.Length - 1)];
        foreach (var input in inputs) node.Input.Add(input);
        foreach (var attribute in attributes) node.Attribute.Add(attribute);
        foreach (var output in outputs) node.Output.Add(output);
        _graph.Node.Add(node);
    }

    /// <summary>A constant.</summary>
    public string Initializer(string name, ReadOnlySpan<float> data, params ReadOnlySpan<long> shape) =>
        Initializer(name, data, TensorProto.Types.DataType.Float, shape);

    /// <summary>A constant list of integers.</summary>
    public string Initializer(string name, params ReadOnlySpan<long> data) => Initializer(name, data, TensorProto.Types.DataType.Int64, [data.Length]);

    /// <summary>A constant of 32-bit integers; a scalar without a shape.</summary>
    public string Integers(string name, ReadOnlySpan<int> data, params ReadOnlySpan<long> shape) => Initializer(name, data, TensorProto.Types.DataType.Int32, shape);

    private string Initializer<T>(string name, ReadOnlySpan<T> data, TensorProto.Types.DataType type, ReadOnlySpan<long> shape) where T : unmanaged
    {
        long elements = 1;
        foreach (long dimension in shape) elements *= dimension;
        if (elements != data.Length) throw new ArgumentException($"{name}: {data.Length} values for a shape of {elements}.", nameof(data));
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(data)) };
        foreach (long dimension in shape) tensor.Dims.Add(dimension);
        _graph.Initializer.Add(tensor);
        return name;
    }

    private static ValueInfoProto Value(string name, ReadOnlySpan<OnnxDimension> shape, TensorProto.Types.DataType elements = TensorProto.Types.DataType.Float)
    {
        var proto = new TensorShapeProto();
        foreach (var dimension in shape)
        {
            proto.Dim.Add(dimension.Name is null
                ? new TensorShapeProto.Types.Dimension { DimValue = dimension.Size }
                : new TensorShapeProto.Types.Dimension { DimParam = dimension.Name });
        }

        var type = new TypeProto.Types.Tensor { ElemType = (int)elements, Shape = proto };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = type } };
    }

    /// <summary>A subgraph, the body of a loop.</summary>
    public static AttributeProto Body(string name, GraphProto graph) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = graph };

    public static AttributeProto Text(string name, string value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Float(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    public static AttributeProto Int(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static AttributeProto Ints(string name, params ReadOnlySpan<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        foreach (long value in values) attribute.Ints.Add(value);
        return attribute;
    }
}
