using Fovea.Data;

namespace Fovea.Models;

/// <summary>The convolutions of a TFLite file.</summary>
internal sealed class TfliteConvolutions(TfliteModel model) : ConvolutionSource
{
    private readonly TfliteOperator[] _layers =
        [.. model.Operators.Where(o => o.Opcode is TfliteOpcode.Conv2D or TfliteOpcode.DepthwiseConv2D)];

    private int _next;

    public override (float[] Kernel, float[] Bias) Next(int inputs, int outputs, int size) =>
        Take(TfliteOpcode.Conv2D, outputs, size, size, inputs);

    public override (float[] Kernel, float[] Bias) NextDepthwise(int channels, int size)
    {
        var (kernel, bias) = Take(TfliteOpcode.DepthwiseConv2D, 1, size, size, channels);
        return (KernelLayout.ChannelsFirst(kernel, channels), bias);
    }

    public override void RequireEnd()
    {
        if (_next != _layers.Length) throw new InvalidDataException($"{model.Name}: {_layers.Length} convolutions, expected {_next}");
    }

    private (float[] Kernel, float[] Bias) Take(TfliteOpcode opcode, params ReadOnlySpan<int> shape)
    {
        string expected = $"{opcode} [{string.Join(',', shape.ToArray())}]";
        if (_next == _layers.Length) throw new InvalidDataException($"{model.Name}: ends after {_next} convolutions, expected {expected}");
        var layer = _layers[_next++];
        var (kernel, bias) = (model.FindConstant(layer, 1), model.FindConstant(layer, 2));
        if (layer.Opcode != opcode || kernel is not { HasFloats: true } || bias is not { HasFloats: true } || !kernel.Shape.SequenceEqual(shape))
            throw new InvalidDataException($"{model.Name}: convolution {_next - 1} is {layer.Opcode} with {kernel}, expected {expected}");
        return (kernel.ToFloats(), bias.ToFloats());
    }
}
