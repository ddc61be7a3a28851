using Fovea.Data;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>MTCNN weights for ordinary images in NCHW order. The files store kernels as <c>[out][x][y][in]</c>, because the networks
/// were trained on transposed images (first axis x).</summary>
internal sealed class NchwWeights(TfliteModel model)
{
    /// <summary>Kernel <c>[out][in][y][x]</c>.</summary>
    public float[] Kernel(string name, int outputs, int size, int inputs)
    {
        var stored = Floats(name, outputs, size, size, inputs);
        var kernel = new float[stored.Length];
        int at = 0;
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < inputs; i++)
                for (int y = 0; y < size; y++)
                    for (int x = 0; x < size; x++)
                        kernel[at++] = stored[((o * size + x) * size + y) * inputs + i];
        return kernel;
    }

    /// <summary>Weights <c>[out][c][y][x]</c> of a layer behind a flattened NCHW map; stored is <c>[out][x][y][c]</c>.</summary>
    public float[] FromMap(string name, int outputs, int size, int channels)
    {
        var stored = Floats(name, outputs, size * size * channels);
        var weights = new float[stored.Length];
        int at = 0;
        for (int o = 0; o < outputs; o++)
            for (int c = 0; c < channels; c++)
                for (int y = 0; y < size; y++)
                    for (int x = 0; x < size; x++)
                        weights[at++] = stored[((o * size + x) * size + y) * channels + c];
        return weights;
    }

    /// <summary>A tensor whose shape must be exactly <paramref name="shape"/>.</summary>
    /// <exception cref="InvalidDataException">It has another one.</exception>
    public float[] Floats(string name, params ReadOnlySpan<int> shape)
    {
        var tensor = model.GetTensor(name);
        if (!tensor.Shape.SequenceEqual(shape)) throw new InvalidDataException($"{tensor} was expected to be [{string.Join(',', shape.ToArray())}].");
        return tensor.ToFloats();
    }
}
