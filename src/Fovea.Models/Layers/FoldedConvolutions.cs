using Fovea.Data;

namespace Fovea.Models;

/// <summary>Convolutions of a TensorFlow.js model whose batch normalisation the converter folded into them: a node's kernel and bias are then
/// <c>node/Conv2D_weights</c> and <c>node/Conv2D_bn_offset</c>, of a depthwise one <c>node/depthwise_...</c>.</summary>
/// <param name="weights">The file.</param>
/// <param name="nodes">The convolutions' names, in the order in which they run.</param>
internal sealed class FoldedConvolutions(TfjsWeights weights, IReadOnlyList<string> nodes) : ConvolutionSource
{
    private int _next;

    public override (float[] Kernel, float[] Bias) Next(int inputs, int outputs, int size) =>
        Take("Conv2D", outputs, size, size, inputs, outputs);

    public override (float[] Kernel, float[] Bias) NextDepthwise(int channels, int size) =>
        Take("depthwise", channels, size, size, channels, 1);

    public override void RequireEnd()
    {
        if (_next != nodes.Count) throw new InvalidOperationException($"{nodes.Count} convolutions are named, {_next} were taken");
    }

    private (float[] Kernel, float[] Bias) Take(string operation, int channels, params ReadOnlySpan<int> shape)
    {
        string node = nodes[_next++];
        float[] kernel = weights.Floats($"{node}/{operation}_weights", shape), bias = weights.Floats($"{node}/{operation}_bn_offset", channels);
        return (KernelLayout.ChannelsFirst(kernel, channels), bias);
    }
}
