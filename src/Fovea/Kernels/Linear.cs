using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Packs constant weights once, rounded or quantised as <see cref="LinearOptions.Weights"/> says. weights: f32
    /// [out][in]. The result, a UInt8 tensor, serves every instruction set and belongs to the caller; the weights may be disposed
    /// afterwards.</summary>
    public static DeviceTensor PrepareLinear(DeviceStream stream, in LinearOptions options, DeviceTensor weights)
    {
        var native = options.ToNative();
        long bytes;
        Throw.IfFailed(NativeMethods.fovea_linear_prepared_bytes(stream.Device.Handle, &native, &bytes), "linear_prepare");
        var layer = options;
        return PreparedWeights.Pack(stream, bytes, prepared =>
        {
            var parameters = layer.ToNative();
            using var call = new KernelCall(stream, "linear_prepare", weights, prepared);
            fixed (fovea_tensor* pWeights = weights, pPrepared = prepared)
                call.Check(NativeMethods.fovea_linear_prepare(&parameters, pWeights, pPrepared, call.Stream));
        });
    }

    /// <summary>y[m][n] = activation(bias[n] + sum over k of x[m][k]*w[n][k]); leading dimensions of x are flattened into m.
    /// bias and slope [out]. A row gives the same bits whatever the number of rows when the weights are narrow.</summary>
    public static void Linear(DeviceStream stream, in LinearOptions options,
        DeviceTensor x, DeviceTensor preparedWeights, DeviceTensor? bias, DeviceTensor? slope, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "linear", x, preparedWeights, bias, slope, y);
        fixed (fovea_tensor* pX = x, pPreparedWeights = preparedWeights, pBias = bias, pSlope = slope, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_linear_workspace(&native, pX, &bytes), "linear");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_linear(&native, pX, pPreparedWeights, pBias, pSlope, pY, &scratch, call.Stream));
        }
    }
}
