using Fovea.Data;

namespace Fovea.Models;

/// <summary>Layers from the weights of a TensorFlow.js model, by name. Every weight must have the shape that the network expects, so
/// another file cannot be mistaken for it.</summary>
internal static class TfjsLayers
{
    /// <summary>A weight's values in TensorFlow's layout.</summary>
    /// <exception cref="InvalidDataException">It is missing or has another shape.</exception>
    public static float[] Floats(this TfjsWeights weights, string name, params ReadOnlySpan<int> shape)
    {
        var tensor = weights.Tensors.FirstOrDefault(t => t.Name == name) ??
            throw new InvalidDataException($"{weights.Name}: there is no weight '{name}', so this is not the expected network.");
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidDataException($"{weights.Name}: {tensor} should have shape [{string.Join(',', shape.ToArray())}].");
        return tensor.ToFloats();
    }

    /// <summary>A convolution of one group from a kernel [kh][kw][in][out] and a bias.</summary>
    /// <param name="weights">The file.</param>
    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="options">Geometry, channels and activation.</param>
    /// <param name="kernel">Name.</param>
    /// <param name="bias">Name.</param>
    /// <param name="boxes">Whether the outputs are boxes, whose y x h w becomes x y w h.</param>
    public static Conv2DLayer Convolution(
        this TfjsWeights weights, DeviceStream stream, in Conv2DOptions options, string kernel, string bias, bool boxes = false)
    {
        int outputs = options.OutChannels;
        float[] stored = weights.Floats(kernel, options.KernelHeight, options.KernelWidth, options.InChannels, outputs);
        float[] added = weights.Floats(bias, outputs);
        return new Conv2DLayer(stream, options, KernelLayout.ChannelsFirst(Ordered(stored, boxes), outputs), Ordered(added, boxes), []);
    }

    /// <summary>A separable convolution from a depthwise kernel [kh][kw][C][1] and its bias, or null for none, and a 1x1 kernel [1][1][C][out]
    /// and its bias.</summary>
    public static SeparableConv2DLayer Separable(
        this TfjsWeights weights, DeviceStream stream, in SeparableConv2DOptions options,
        string depthwise, string? depthwiseBias, string pointwise, string bias, bool boxes = false)
    {
        var (first, channels, outputs) = (options.Depthwise, options.Depthwise.InChannels, options.OutChannels);
        float[] stored = weights.Floats(pointwise, 1, 1, channels, outputs), added = weights.Floats(bias, outputs);
        return new SeparableConv2DLayer(
            stream, options,
            KernelLayout.ChannelsFirst(weights.Floats(depthwise, first.KernelHeight, first.KernelWidth, channels, 1), channels),
            depthwiseBias is null ? new float[channels] : weights.Floats(depthwiseBias, channels),
            KernelLayout.ChannelsFirst(Ordered(stored, boxes), outputs), Ordered(added, boxes));
    }

    // TensorFlow's detection models regress y x h w: neighbours along the innermost dimension, the outputs, change places.
    private static float[] Ordered(float[] values, bool boxes)
    {
        for (int i = 0; boxes && i < values.Length; i += 2) (values[i], values[i + 1]) = (values[i + 1], values[i]);
        return values;
    }
}
