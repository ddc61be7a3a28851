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
        Throw.IfFailed(NativeMethods.fovea_conv2d_prepared_bytes(&native, &bytes), "conv2d_prepare");
        var prepared = DeviceTensor.Allocate(stream, DType.UInt8, bytes);
        try
        {
            using var call = new KernelCall(stream, "conv2d_prepare", weights, prepared);
            fixed (fovea_tensor* pWeights = weights, pPrepared = prepared)
                call.Check(NativeMethods.fovea_conv2d_prepare(&native, pWeights, pPrepared, call.Stream));
            return prepared;
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
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
}
