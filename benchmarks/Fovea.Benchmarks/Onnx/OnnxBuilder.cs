using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Fovea.Benchmarks.Onnx;

/// <summary>Writes a small feed-forward ONNX graph in memory: each call adds one node and returns the name of its output. Images are
/// NCHW, weights become initializers, a dimension given as a name is known only at run time.</summary>
internal sealed class OnnxBuilder
{
    // Operator set 13 has every operator used here in its present form; IR version 8 is the one that goes with it and up.
    private const int OperatorSet = 13, IrVersion = 8;

    private readonly GraphProto _graph;

    public OnnxBuilder(string name) => _graph = new GraphProto { Name = name };

    /// <summary>Declares a float input.</summary>
    public string Input(string name, params ReadOnlySpan<OnnxDimension> shape)
    {
        _graph.Input.Add(Value(name, shape));
        return name;
    }

    /// <summary>Declares a float output; <paramref name="value"/> is the name of a node's output.</summary>
    public void Output(string value, params ReadOnlySpan<OnnxDimension> shape) => _graph.Output.Add(Value(value, shape));

    /// <summary>Valid convolution with stride 1; <paramref name="weights"/> is <c>[outputs][inputs][size][size]</c>.</summary>
    public string Conv(string x, string name, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int inputs, int size)
    {
        var w = Initializer(name + ".weight", weights, bias.Length, inputs, size, size);
        var b = Initializer(name + ".bias", bias, bias.Length);
        return Node("Conv", name, [x, w, b], Ints("kernel_shape", size, size));
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

    public string Softmax(string x, string name, int axis) => Node("Softmax", name, [x], Int("axis", axis));

    public string Transpose(string x, string name, params long[] permutation) => Node("Transpose", name, [x], Ints("perm", permutation));

    /// <summary><c>[N, ...]</c> to <c>[N, features]</c>.</summary>
    public string Flatten(string x, string name) => Node("Flatten", name, [x], Int("axis", 1));

    public string Identity(string x, string name) => Node("Identity", name, [x]);

    public string Add(string a, string b, string name) => Node("Add", name, [a, b]);

    /// <summary>The serialized model.</summary>
    public byte[] Build()
    {
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "Fovea.Benchmarks", Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OperatorSet });
        return model.ToByteArray();
    }

    private string Node(string operation, string name, ReadOnlySpan<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = new NodeProto { OpType = operation, Name = name };
        foreach (var input in inputs) node.Input.Add(input);
        foreach (var attribute in attributes) node.Attribute.Add(attribute);
        node.Output.Add(name);
        _graph.Node.Add(node);
        return name;
    }

    private string Initializer(string name, ReadOnlySpan<float> data, params ReadOnlySpan<long> shape)
    {
        long elements = 1;
        foreach (long dimension in shape) elements *= dimension;
        if (elements != data.Length) throw new ArgumentException($"{name}: {data.Length} values for a shape of {elements}.", nameof(data));
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Float, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(data)) };
        foreach (long dimension in shape) tensor.Dims.Add(dimension);
        _graph.Initializer.Add(tensor);
        return name;
    }

    private static ValueInfoProto Value(string name, ReadOnlySpan<OnnxDimension> shape)
    {
        var proto = new TensorShapeProto();
        foreach (var dimension in shape)
        {
            proto.Dim.Add(dimension.Name is null
                ? new TensorShapeProto.Types.Dimension { DimValue = dimension.Size }
                : new TensorShapeProto.Types.Dimension { DimParam = dimension.Name });
        }

        var type = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = proto };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = type } };
    }

    private static AttributeProto Int(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    private static AttributeProto Ints(string name, params ReadOnlySpan<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        foreach (long value in values) attribute.Ints.Add(value);
        return attribute;
    }
}
