namespace Fovea.Models;

/// <summary>Max or average pooling over <c>[N, H, W, C]</c>.</summary>
public sealed class Pool2DLayer(Pool2DOptions options) : ILayer
{
    /// <inheritdoc/>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var (height, width) = options.OutputSize(x.Shape[1], x.Shape[2]);
        var y = DeviceTensor.AllocateLike(stream, x, DType.Float32, x.Shape[0], height, width, x.Shape[3]);
        Kernels.Pool2D(stream, options, x, y);
        return y;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
