namespace Fovea.Models.BlazeFace;

/// <summary>A residual block of one separable convolution, or of two with a bottleneck between them: <c>relu(shortcut(x) + f(x))</c>. The
/// shortcut halves the map by max pooling where the block has stride 2 and fills missing channels with zeros.</summary>
internal sealed class BlazeBlock : ILayer
{
    private static readonly Pool2DOptions Halve = new(PoolMode.Max, 2, 2);

    private readonly int _inputs, _outputs, _stride;
    private readonly SeparableConv2DLayer? _narrow;
    private readonly SeparableConv2DLayer _last;

    public BlazeBlock(DeviceStream stream, ConvolutionSource weights, int inputs, int outputs, int stride, int bottleneck = 0)
    {
        (_inputs, _outputs, _stride) = (inputs, outputs, stride);
        SeparableConv2DLayer Separable(int from, int to, int step) =>
            weights.Separable(stream, from, to, step, Activation.None, Activation.Relu);
        if (bottleneck > 0) _narrow = Separable(inputs, bottleneck, stride);
        _last = bottleneck > 0 ? Separable(bottleneck, outputs, 1) : Separable(inputs, outputs, stride);
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        using var shortcut = Shortcut(stream, x);
        using var narrow = _narrow?.Forward(stream, x);
        return _last.Forward(stream, narrow ?? x, shortcut ?? x);
    }

    public void Dispose()
    {
        _narrow?.Dispose();
        _last.Dispose();
    }

    // Null where x itself is the shortcut.
    private DeviceTensor? Shortcut(DeviceStream stream, DeviceTensor x)
    {
        if (_stride == 1 && _inputs == _outputs) return null;
        var wide = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], x.Shape[1] / _stride, x.Shape[2] / _stride, _outputs);
        if (_inputs < _outputs) wide.Fill(stream, 0);
        var head = wide.Columns(0, _inputs);
        if (_stride == 1) Kernels.Copy(stream, x, head);
        else Kernels.Pool2D(stream, Halve, x, head);
        return wide;
    }
}
