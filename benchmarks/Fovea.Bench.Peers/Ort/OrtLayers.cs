using Fovea.Bench.Peers.Onnx;
using Fovea.Training;

namespace Fovea.Bench.Peers.Ort;

/// <summary>Layers that language models share, with the weights of a model of Fovea by their names.</summary>
internal sealed class OrtLayers(OnnxBuilder graph, IReadOnlyDictionary<string, float[]> weights)
{
    /// <summary>All parameters of the model that <paramref name="create"/> makes.</summary>
    public static Dictionary<string, float[]> Read(Func<DeviceStream, Module> create)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var model = create(stream);
        return model.Parameters.ToDictionary(p => p.Name, p => p.Value.ToArray<float>(stream));
    }

    /// <summary>x [n][in] times the weights [out][in] of this name.</summary>
    public string Linear(string x, string name, string weight, int outputs)
    {
        float[] w = weights[weight];
        int inputs = w.Length / outputs;
        return Node("MatMul", name, x, graph.Initializer(name + ".transposed", ImageLayout.ToChannelsFirst(w, 1, outputs, inputs), inputs, outputs));
    }

    /// <summary>ONNX Runtime's own norm by the root mean square, which stands in the standard domain.</summary>
    public string Norm(string x, string name, string gamma, float epsilon) =>
        graph.Node("SimplifiedLayerNormalization", name, [x, Constant(gamma, weights[gamma].Length)],
            OnnxBuilder.Int("axis", -1), OnnxBuilder.Float("epsilon", epsilon));

    public string Silu(string x, string name) => Node("Mul", name, x, graph.Node("Sigmoid", name + ".sigmoid", [x]));

    public string Node(string operation, string name, string a, string b) => graph.Node(operation, name, [a, b]);

    /// <summary>The parameter of this name.</summary>
    public string Constant(string name, params ReadOnlySpan<long> shape) => graph.Initializer(name, weights[name], shape);
}
