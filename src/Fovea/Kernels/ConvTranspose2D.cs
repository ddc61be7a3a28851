using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Packs constant weights [out][kh][kw][in/groups] once; out counts the channels of y.</summary>
    public static DeviceTensor PrepareConvTranspose2D(DeviceStream stream, in ConvTranspose2DOptions options, DeviceTensor weights)
    {
        var native = options.ToNative();
        long bytes;
        Throw.IfFailed(NativeMethods.fovea_conv_transpose2d_prepared_bytes(stream.Device.Handle, &native, &bytes), "conv_transpose2d_prepare");
        var layer = options;
        return PreparedWeights.Pack(stream, bytes, prepared =>
        {
            var parameters = layer.ToNative();
            using var call = new KernelCall(stream, "conv_transpose2d_prepare", weights, prepared);
            fixed (fovea_tensor* pWeights = weights, pPrepared = prepared)
                call.Check(NativeMethods.fovea_conv_transpose2d_prepare(&parameters, pWeights, pPrepared, call.Stream));
        });
    }

    /// <summary>Transposed convolution ("deconvolution"): every x[iy][ix] adds its products to y at iy*stride - pad + tap*dilation;
    /// then bias and activation. x [N][H][W][in], y [N][oh][ow][out], see <see cref="ConvTranspose2DOptions.OutputSize"/>.</summary>
    public static void ConvTranspose2D(DeviceStream stream, in ConvTranspose2DOptions options,
        DeviceTensor x, DeviceTensor preparedWeights, DeviceTensor? bias, DeviceTensor? slope, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "conv_transpose2d", x, preparedWeights, bias, slope, y);
        fixed (fovea_tensor* pX = x, pPreparedWeights = preparedWeights, pBias = bias, pSlope = slope, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_conv_transpose2d_workspace(&native, pX, &bytes), "conv_transpose2d");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_conv_transpose2d(&native, pX, pPreparedWeights, pBias, pSlope, pY, &scratch, call.Stream));
        }
    }
}
