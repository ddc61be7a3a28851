using Fovea.Data;

namespace Fovea.Models.BlazeFace;

/// <summary>Takes the convolutions out of a BlazeFace file in the order in which they run; their names say nothing. Each must have the
/// shape that the network expects, so another file cannot be mistaken for it.</summary>
internal sealed class BlazeWeights(TfliteModel model)
{
    private readonly TfliteOperator[] _layers =
        [.. model.Operators.Where(o => o.Opcode is TfliteOpcode.Conv2D or TfliteOpcode.DepthwiseConv2D)];

    private int _next;

    /// <summary>A square convolution; stride 1 or 2 with TensorFlow's SAME padding.</summary>
    public Conv2DLayer Convolution(DeviceStream stream, int inputs, int outputs, int kernel, int stride, Activation activation)
    {
        var (weights, bias) = Next(TfliteOpcode.Conv2D, outputs, kernel, kernel, inputs);
        return new Conv2DLayer(stream, Same(new Conv2DOptions(inputs, outputs, kernel) { Activation = activation }, stride), weights, bias, []);
    }

    /// <summary>A 3x3 depthwise convolution without activation and the 1x1 convolution behind it with ReLU.</summary>
    public SeparableConv2DLayer Separable(DeviceStream stream, int inputs, int outputs, int stride)
    {
        var (depthwise, depthwiseBias) = Next(TfliteOpcode.DepthwiseConv2D, 1, 3, 3, inputs);
        var (pointwise, bias) = Next(TfliteOpcode.Conv2D, outputs, 1, 1, inputs);
        var options = new SeparableConv2DOptions
        {
            Depthwise = Same(new Conv2DOptions(inputs, inputs, 3) { Groups = inputs }, stride),
            OutChannels = outputs,
            Activation = Activation.Relu,
        };
        return new SeparableConv2DLayer(stream, options, KernelLayout.ChannelsFirst(depthwise, inputs), depthwiseBias, pointwise, bias);
    }

    /// <summary>Throws unless every layer of the file was taken.</summary>
    public void RequireEnd()
    {
        if (_next != _layers.Length) throw new InvalidDataException($"{model.Name}: {_layers.Length} convolutions, expected {_next}");
    }

    // SAME on even sizes: kernel - stride in all, the smaller half first.
    private static Conv2DOptions Same(Conv2DOptions options, int stride)
    {
        int before = (options.KernelHeight - stride) / 2, after = options.KernelHeight - stride - before;
        return options with { Stride = stride, PadTop = before, PadLeft = before, PadBottom = after, PadRight = after };
    }

    private (float[] Weights, float[] Bias) Next(TfliteOpcode opcode, params ReadOnlySpan<int> shape)
    {
        string expected = $"{opcode} [{string.Join(',', shape.ToArray())}]";
        if (_next == _layers.Length) throw new InvalidDataException($"{model.Name}: ends after {_next} convolutions, expected {expected}");
        var layer = _layers[_next++];
        var (weights, bias) = (model.FindConstant(layer, 1), model.FindConstant(layer, 2));
        if (layer.Opcode != opcode || weights is not { HasFloats: true } || bias is not { HasFloats: true } || !weights.Shape.SequenceEqual(shape))
            throw new InvalidDataException($"{model.Name}: convolution {_next - 1} is {layer.Opcode} with {weights}, expected {expected}");
        return (weights.ToFloats(), bias.ToFloats());
    }
}
