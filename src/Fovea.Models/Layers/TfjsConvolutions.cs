using Fovea.Data;

namespace Fovea.Models;

/// <summary>The convolutions of a TensorFlow.js model, whose names say nothing, by a list of the names.</summary>
/// <param name="weights">The model.</param>
/// <param name="names">Of kernels and biases in the order in which they run; null where the converter left no bias.</param>
internal sealed class TfjsConvolutions(TfjsWeights weights, IReadOnlyList<(string Kernel, string? Bias)> names) : ConvolutionSource
{
    private int _next;

    public override (float[] Kernel, float[] Bias) Next(int inputs, int outputs, int size)
    {
        var (kernel, bias) = names[_next++];
        return (KernelLayout.ChannelsFirst(weights.Floats(kernel, size, size, inputs, outputs), outputs), Bias(bias, outputs));
    }

    public override (float[] Kernel, float[] Bias) NextDepthwise(int channels, int size)
    {
        var (kernel, bias) = names[_next++];
        return (KernelLayout.ChannelsFirst(weights.Floats(kernel, size, size, channels, 1), channels), Bias(bias, channels));
    }

    public override void RequireEnd()
    {
        int kernels = weights.Tensors.Count(t => t.Shape.Length == 4);
        if (_next != kernels) throw new InvalidDataException($"{weights.Name}: {kernels} convolutions, expected {_next}");
    }

    private float[] Bias(string? name, int channels) => name is null ? new float[channels] : weights.Floats(name, channels);
}
