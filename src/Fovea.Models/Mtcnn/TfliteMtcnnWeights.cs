using Fovea.Data;

namespace Fovea.Models.Mtcnn;

/// <summary>Reads the tensors of one MTCNN network and turns them from the transposed image that the published networks were trained on
/// (first axis x, second axis y: a legacy of Caffe and Matlab) to row-major images.</summary>
/// <remarks>Swapping the two spatial axes of every kernel, and of the flattened features before the first fully connected
/// layer, makes the network see the ordinary image, so nothing is ever transposed at run time.</remarks>
internal sealed class TfliteMtcnnWeights(TfliteModel model) : MtcnnWeights
{
    /// <summary>From the stored <c>[out][kw][kh][in]</c>.</summary>
    public override float[] Kernel(string layer, int outputs, int size, int inputs)
    {
        var stored = Floats($"{layer}/weights/read", outputs, size, size, inputs);
        var kernel = new float[stored.Length];
        for (int o = 0; o < outputs; o++)
            for (int y = 0; y < size; y++)
                for (int x = 0; x < size; x++)
                    stored.AsSpan(((o * size + x) * size + y) * inputs, inputs).CopyTo(kernel.AsSpan(((o * size + y) * size + x) * inputs));
        return kernel;
    }

    public override float[] KernelBias(string layer, int outputs) => Floats($"{layer}/Conv2D_bias", outputs);

    public override float[] Slopes(string activation, int channels) => Floats($"{activation}/alpha/read", channels);

    public override float[] FromMap(string layer, int outputs, int size, int channels)
    {
        var stored = Floats($"{layer}/weights/read/transpose", outputs, size * size * channels);
        var weights = new float[stored.Length];
        for (int o = 0; o < outputs; o++)
            for (int y = 0; y < size; y++)
                for (int x = 0; x < size; x++)
                    stored.AsSpan(((o * size + x) * size + y) * channels, channels).CopyTo(weights.AsSpan(((o * size + y) * size + x) * channels));
        return weights;
    }

    public override float[] Dense(string layer, int outputs, int features) => Floats($"{layer}/weights/read/transpose", outputs, features);

    public override float[] DenseBias(string layer, int outputs) => Floats($"{layer}/{layer[(layer.LastIndexOf('/') + 1)..]}/MatMul_bias", outputs);

    // A tensor whose shape must be exactly this.
    private float[] Floats(string name, params ReadOnlySpan<int> shape)
    {
        var tensor = model.Tensors.FirstOrDefault(t => t.Name == name)
            ?? throw new InvalidDataException($"{model.Name}: there is no tensor '{name}', so this is not the expected network.");
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidDataException($"{model.Name}: {tensor} should have shape [{string.Join(',', shape.ToArray())}].");
        return tensor.ToFloats();
    }
}
