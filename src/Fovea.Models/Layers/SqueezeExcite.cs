namespace Fovea.Models;

/// <summary>Channel attention (Hu et al., "Squeeze-and-Excitation Networks", 2018): the mean of each channel goes through two fully connected
/// layers and comes back as the channel's factor.</summary>
internal sealed class SqueezeExcite(LinearLayer squeeze, LinearLayer excite) : IDisposable
{
    private static readonly ReduceOptions Mean = ReduceOptions.Over(ReduceOp.Mean, 1, 2);

    /// <summary>Multiplies the channels of <paramref name="x"/>, one image <c>[1, H, W, C]</c>, in place.</summary>
    public void Apply(DeviceStream stream, DeviceTensor x)
    {
        using var means = DeviceTensor.Allocate(stream, DType.Float32, 1, x.Shape[3]);
        Kernels.Reduce(stream, Mean, x, means);
        using var few = squeeze.Forward(stream, means);
        using var factors = excite.Forward(stream, few);
        Kernels.Binary(stream, BinaryOp.Mul, x, factors.Reshape(1, 1, 1, x.Shape[3]), x);
    }

    public void Dispose()
    {
        squeeze.Dispose();
        excite.Dispose();
    }
}
