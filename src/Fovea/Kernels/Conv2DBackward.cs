using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Packs the forward weights [out][kh][kw][in/groups] for <see cref="Conv2DBackwardData"/>.</summary>
    public static DeviceTensor PrepareConv2DBackwardData(DeviceStream stream, in Conv2DOptions options, DeviceTensor weights)
    {
        var native = options.ToNative();
        long bytes;
        Throw.IfFailed(NativeMethods.fovea_conv2d_backward_data_prepared_bytes(stream.Device.Handle, &native, &bytes), "conv2d_backward_data_prepare");
        var layer = options;
        return PreparedWeights.Pack(stream, bytes, prepared =>
        {
            var parameters = layer.ToNative();
            using var call = new KernelCall(stream, "conv2d_backward_data_prepare", weights, prepared);
            fixed (fovea_tensor* pWeights = weights, pPrepared = prepared)
                call.Check(NativeMethods.fovea_conv2d_backward_data_prepare(&parameters, pWeights, pPrepared, call.Stream));
        });
    }

    /// <summary>The gradient of a convolution by its input: dy [N][oh][ow][out] to dx [N][H][W][in]. The activation of the
    /// options is ignored: dy is the gradient in front of it. Deterministic.</summary>
    public static void Conv2DBackwardData(DeviceStream stream, in Conv2DOptions options,
        DeviceTensor dy, DeviceTensor preparedWeights, DeviceTensor dx)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "conv2d_backward_data", dy, preparedWeights, dx);
        fixed (fovea_tensor* pDy = dy, pPreparedWeights = preparedWeights, pDx = dx)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_conv2d_backward_data_workspace(&native, pDy, pDx, &bytes), "conv2d_backward_data");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_conv2d_backward_data(&native, pDy, pPreparedWeights, pDx, &scratch, call.Stream));
        }
    }

    /// <summary>The gradient of a convolution by its weights [out][kh][kw][in/groups] and bias [out]; either may be null.
    /// accumulate adds to what is there. Sums run in a fixed order, whatever the number of threads.</summary>
    public static void Conv2DBackwardWeights(DeviceStream stream, in Conv2DOptions options,
        DeviceTensor x, DeviceTensor dy, DeviceTensor? dw, DeviceTensor? dbias, bool accumulate = false)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "conv2d_backward_weights", x, dy, dw, dbias);
        fixed (fovea_tensor* pX = x, pDy = dy, pDw = dw, pDbias = dbias)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_conv2d_backward_weights_workspace(&native, pX, pDy, &bytes), "conv2d_backward_weights");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_conv2d_backward_weights(&native, pX, pDy, pDw, pDbias, accumulate ? 1 : 0, &scratch, call.Stream));
        }
    }
}
