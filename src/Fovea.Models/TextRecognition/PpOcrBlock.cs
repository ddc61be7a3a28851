namespace Fovea.Models.TextRecognition;

/// <summary>A block of PP-LCNetV3: a depthwise and a 1x1 convolution, each with a learned affine, hard swish and another affine behind it;
/// squeeze and excitation between them or not.</summary>
/// <remarks>Three of the four affines are folded into the convolutions. The last one stays: the next block pads behind it.</remarks>
internal sealed class PpOcrBlock : ILayer
{
    private readonly ILayer _convolutions;
    private readonly LearnedAffine _last;

    /// <summary>Loads block <paramref name="index"/>, counted from 0.</summary>
    public PpOcrBlock(DeviceStream stream, PpOcrWeights weights, int index, in PpOcrBlockShape shape)
    {
        const int firstConvolution = 157;
        var (inputs, outputs, kernel) = (shape.Inputs, shape.Outputs, shape.Kernel);
        // Affines are counted along the network, those behind an activation from 1.
        var between = weights.Affine($"whswish_b_{2 * index + 1}");
        _last = weights.Affine($"whswish_b_{2 * index + 2}");
        var (depthwise, depthwiseBias) = weights.Convolution(
            firstConvolution + 2 * index, inputs, 1, kernel, LearnedAffine.Identity, weights.Affine($"mobile_one_block_{2 * index}"));
        var (pointwise, bias) = weights.Convolution(
            firstConvolution + 2 * index + 1, outputs, inputs, 1,
            shape.Squeeze is null ? between : LearnedAffine.Identity, weights.Affine($"mobile_one_block_{2 * index + 1}"));
        var first = new Conv2DOptions(inputs, inputs, kernel)
        {
            Groups = inputs,
            StrideHeight = shape.StrideHeight,
            StrideWidth = shape.StrideWidth,
            Padding = kernel / 2,
            Activation = Activation.HardSwish,
        };
        if (shape.Squeeze is not { } squeeze)
        {
            var both = new SeparableConv2DOptions { Depthwise = first, OutChannels = outputs, Activation = Activation.HardSwish };
            _convolutions = new SeparableConv2DLayer(stream, both, depthwise, depthwiseBias, pointwise, bias);
            return;
        }
        _convolutions = new Excited(
            new Conv2DLayer(stream, first, depthwise, depthwiseBias, []),
            between,
            new SqueezeExcite(
                weights.Pointwise(stream, squeeze, inputs, inputs / 4, Activation.Relu),
                weights.Pointwise(stream, squeeze + 1, inputs / 4, inputs, Activation.HardSigmoid(0.1666667f))),
            new Conv2DLayer(stream, new Conv2DOptions(inputs, outputs, 1) { Activation = Activation.HardSwish }, pointwise, bias, []));
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var y = _convolutions.Forward(stream, x);
        _last.Apply(stream, y);
        return y;
    }

    public void Dispose() => _convolutions.Dispose();

    // A factor per channel comes between: the affine's shift cannot be folded into the 1x1 convolution.
    private sealed class Excited(Conv2DLayer depthwise, LearnedAffine between, SqueezeExcite excite, Conv2DLayer pointwise) : ILayer
    {
        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            using var spatial = depthwise.Forward(stream, x);
            between.Apply(stream, spatial);
            excite.Apply(stream, spatial);
            return pointwise.Forward(stream, spatial);
        }

        public void Dispose()
        {
            depthwise.Dispose();
            excite.Dispose();
            pointwise.Dispose();
        }
    }
}
