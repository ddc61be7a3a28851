using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Packs a cell once. weights [gates*hidden][input], recurrent [gates*hidden][hidden], bias and recurrentBias
    /// [gates*hidden] or null; gate order i, f, g, o (LSTM) and r, z, n (GRU), as in PyTorch.</summary>
    public static DeviceTensor PrepareRecurrent(DeviceStream stream, in RecurrentOptions options, DeviceTensor weights, DeviceTensor recurrent, DeviceTensor? bias, DeviceTensor? recurrentBias)
    {
        var native = options.ToNative();
        long bytes;
        Throw.IfFailed(NativeMethods.fovea_recurrent_prepared_bytes(stream.Device.Handle, &native, &bytes), "recurrent_prepare");
        var layer = options;
        return PreparedWeights.Pack(stream, bytes, prepared =>
        {
            var parameters = layer.ToNative();
            using var call = new KernelCall(stream, "recurrent_prepare", weights, recurrent, bias, recurrentBias, prepared);
            fixed (fovea_tensor* pWeights = weights, pRecurrent = recurrent, pBias = bias, pRecurrentBias = recurrentBias, pPrepared = prepared)
                call.Check(NativeMethods.fovea_recurrent_prepare(&parameters, pWeights, pRecurrent, pBias, pRecurrentBias, pPrepared, call.Stream));
        });
    }

    /// <summary>A recurrent layer over whole sequences: x [B][L][input] to y [B][L][hidden]. lengths: Int32 [B] or null for L; behind
    /// them the state freezes and y is 0. h, c [B][hidden], read and replaced, or null for zeros; c is the LSTM's alone.</summary>
    public static void Recurrent(DeviceStream stream, in RecurrentOptions options,
        DeviceTensor x, DeviceTensor prepared, DeviceTensor? lengths, DeviceTensor? h, DeviceTensor? c, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "recurrent", x, prepared, lengths, h, c, y);
        fixed (fovea_tensor* pX = x, pPrepared = prepared, pLengths = lengths, pH = h, pC = c, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_recurrent_workspace(&native, pX, &bytes), "recurrent");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_recurrent(&native, pX, pPrepared, pLengths, pH, pC, pY, &scratch, call.Stream));
        }
    }
}
