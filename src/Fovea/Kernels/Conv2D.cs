using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Packs constant weights once. weights: [out][kh][kw][in/groups]. The result, a UInt8 tensor, serves every
    /// instruction set and belongs to the caller; the weights may be disposed afterwards.</summary>
    public static DeviceTensor PrepareConv2D(DeviceStream stream, in Conv2DOptions options, DeviceTensor weights)
    {
        var native = options.ToNative();
        long bytes;
        Throw.IfFailed(NativeMethods.fovea_conv2d_prepared_bytes(stream.Device.Handle, &native, &bytes), "conv2d_prepare");
        var layer = options;
        return PreparedWeights.Pack(stream, bytes, prepared =>
        {
            var parameters = layer.ToNative();
            using var call = new KernelCall(stream, "conv2d_prepare", weights, prepared);
            fixed (fovea_tensor* pWeights = weights, pPrepared = prepared)
                call.Check(NativeMethods.fovea_conv2d_prepare(&parameters, pWeights, pPrepared, call.Stream));
        });
    }

    /// <summary>y = activation(bias + residual + convolution of x). x [N][H][W][in], y [N][oh][ow][out], bias and slope [out],
    /// residual of y's shape; see <see cref="Conv2DOptions.OutputSize"/>.</summary>
    public static void Conv2D(DeviceStream stream, in Conv2DOptions options,
        DeviceTensor x, DeviceTensor preparedWeights, DeviceTensor? bias, DeviceTensor? slope, DeviceTensor? residual, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "conv2d", x, preparedWeights, bias, slope, residual, y);
        fixed (fovea_tensor* pX = x, pPreparedWeights = preparedWeights, pBias = bias, pSlope = slope, pResidual = residual, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_conv2d_workspace(&native, pX, &bytes), "conv2d");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_conv2d(&native, pX, pPreparedWeights, pBias, pSlope, pResidual, pY, &scratch, call.Stream));
        }
    }

    /// <summary>The algorithm that <see cref="Conv2D"/> takes for an x of this shape: what the cost model chose, or what the options
    /// demand. Never <see cref="Conv2DAlgorithm.Auto"/>.</summary>
    public static Conv2DAlgorithm ChosenAlgorithm(in Conv2DOptions options, DeviceTensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        var native = options.ToNative();
        int algorithm;
        fixed (fovea_tensor* pX = x) Throw.IfFailed(NativeMethods.fovea_conv2d_chosen(&native, pX, &algorithm), "conv2d_chosen");
        return (Conv2DAlgorithm)algorithm;
    }
}
