using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Packs both weights once: depthwise [C][kh][kw], pointwise [out][C].</summary>
    public static DeviceTensor PrepareSeparableConv2D(DeviceStream stream, in SeparableConv2DOptions options, DeviceTensor depthwiseWeights, DeviceTensor pointwiseWeights)
    {
        var native = options.ToNative();
        long bytes;
        Throw.IfFailed(NativeMethods.fovea_separable_conv2d_prepared_bytes(stream.Device.Handle, &native, &bytes), "separable_conv2d_prepare");
        var layer = options;
        return PreparedWeights.Pack(stream, bytes, prepared =>
        {
            var parameters = layer.ToNative();
            using var call = new KernelCall(stream, "separable_conv2d_prepare", depthwiseWeights, pointwiseWeights, prepared);
            fixed (fovea_tensor* pDepthwiseWeights = depthwiseWeights, pPointwiseWeights = pointwiseWeights, pPrepared = prepared)
                call.Check(NativeMethods.fovea_separable_conv2d_prepare(&parameters, pDepthwiseWeights, pPointwiseWeights, pPrepared, call.Stream));
        });
    }

    /// <summary>A depthwise convolution and the 1x1 convolution behind it in one pass (Howard et al., "MobileNets", 2017): the
    /// depthwise result of a few rows stays in the cache. x [N][H][W][C], y [N][oh][ow][out], depthwiseBias [C], bias and slope [out],
    /// residual of y's shape.</summary>
    public static void SeparableConv2D(DeviceStream stream, in SeparableConv2DOptions options,
        DeviceTensor x, DeviceTensor preparedWeights, DeviceTensor? depthwiseBias, DeviceTensor? bias, DeviceTensor? slope, DeviceTensor? residual, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "separable_conv2d", x, preparedWeights, depthwiseBias, bias, slope, residual, y);
        fixed (fovea_tensor* pX = x, pPreparedWeights = preparedWeights, pDepthwiseBias = depthwiseBias, pBias = bias, pSlope = slope, pResidual = residual, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_separable_conv2d_workspace(&native, pX, &bytes), "separable_conv2d");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_separable_conv2d(&native, pX, pPreparedWeights, pDepthwiseBias, pBias, pSlope, pResidual, pY, &scratch, call.Stream));
        }
    }
}
