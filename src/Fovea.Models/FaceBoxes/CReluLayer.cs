namespace Fovea.Models.FaceBoxes;

/// <summary>Concatenated ReLU (Shang et al., "Understanding and Improving Convolutional Neural Networks via Concatenated Rectified Linear
/// Units", 2016) behind a convolution, then pooling: <c>relu(pool([y, -y]))</c>, <c>y = convolution(x)</c>. Rectifying behind the maximum
/// is the same as before it and takes a quarter of the work.</summary>
internal sealed class CReluLayer(Conv2DLayer convolution, Conv2DOptions options) : ILayer
{
    // 3x3, stride 2, SAME for maps of even sides.
    private static readonly Pool2DLayer Pool = new(new Pool2DOptions(PoolMode.Max, 3, 2) { PadBottom = 1, PadRight = 1 });

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        int channels = options.OutChannels;
        var (height, width) = options.OutputSize(x.Shape[1], x.Shape[2]);
        using var both = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], height, width, 2 * channels);
        var positive = both.Columns(0, channels);
        convolution.Forward(stream, x, positive);
        Kernels.Unary(stream, UnaryOp.Neg, positive, both.Columns(channels, channels));
        var pooled = Pool.Forward(stream, both);
        Kernels.Activate(stream, Activation.Relu, pooled, slope: null, pooled);
        return pooled;
    }

    public void Dispose() => convolution.Dispose();
}
