namespace Fovea.Models;

/// <summary>The convolutions of a weights file in the order in which they run, where names say nothing. Each must have the shape that the
/// network expects, so another file cannot be mistaken for it.</summary>
internal abstract class ConvolutionSource
{
    /// <summary>The next convolution: its kernel <c>[outputs][size][size][inputs]</c> and its bias <c>[outputs]</c>.</summary>
    /// <exception cref="InvalidDataException">The file has another one here, or none.</exception>
    public abstract (float[] Kernel, float[] Bias) Next(int inputs, int outputs, int size);

    /// <summary>The next one, depthwise: its kernel <c>[channels][size][size]</c> and its bias <c>[channels]</c>.</summary>
    /// <exception cref="InvalidDataException">The file has another one here, or none.</exception>
    public abstract (float[] Kernel, float[] Bias) NextDepthwise(int channels, int size);

    /// <summary>Throws unless every convolution of the file was taken.</summary>
    public abstract void RequireEnd();

    /// <summary>A square convolution with TensorFlow's SAME padding.</summary>
    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="activation">Behind the bias.</param>
    /// <param name="side">Side of the input, which the padding depends on; 0 for any multiple of the stride.</param>
    public Conv2DLayer Convolution(DeviceStream stream, int inputs, int outputs, int kernel, int stride, Activation activation, int side = 0)
    {
        var (weights, bias) = Next(inputs, outputs, kernel);
        return new Conv2DLayer(stream, new Conv2DOptions(inputs, outputs, kernel) { Activation = activation }.Same(stride, side), weights, bias, []);
    }

    /// <summary>A 3x3 depthwise convolution with SAME padding and the 1x1 convolution behind it.</summary>
    public SeparableConv2DLayer Separable(
        DeviceStream stream, int inputs, int outputs, int stride, Activation between, Activation activation, int side = 0)
    {
        var (depthwise, depthwiseBias) = NextDepthwise(inputs, 3);
        var (pointwise, bias) = Next(inputs, outputs, 1);
        var options = new SeparableConv2DOptions
        {
            Depthwise = new Conv2DOptions(inputs, inputs, 3) { Groups = inputs, Activation = between }.Same(stride, side),
            OutChannels = outputs,
            Activation = activation,
        };
        return new SeparableConv2DLayer(stream, options, depthwise, depthwiseBias, pointwise, bias);
    }
}
