namespace Fovea.Models.Ssd;

/// <summary>MobileNetV2's block (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018): 1x1 to six times the
/// channels, 3x3 depthwise, 1x1 back, no activation at the end; the input is added where the shapes agree.</summary>
internal sealed class InvertedResidual : ILayer
{
    private readonly Conv2DLayer _expand;
    private readonly SeparableConv2DLayer _project;
    private readonly bool _isResidual;

    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="weights">The file.</param>
    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="side">Side of the input.</param>
    public InvertedResidual(DeviceStream stream, ConvolutionSource weights, int inputs, int outputs, int stride, int side)
    {
        _isResidual = stride == 1 && inputs == outputs;
        _expand = weights.Convolution(stream, inputs, 6 * inputs, 1, 1, Activation.Relu6);
        _project = weights.Separable(stream, 6 * inputs, outputs, stride, Activation.Relu6, Activation.None, side);
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        using var wide = _expand.Forward(stream, x);
        return _project.Forward(stream, wide, _isResidual ? x : null);
    }

    public void Dispose()
    {
        _expand.Dispose();
        _project.Dispose();
    }
}
