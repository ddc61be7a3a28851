using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Gradients of <see cref="Recurrent"/> by backpropagation through time. Gates, and an LSTM's c, are computed again from the
    /// inputs and y; the gradients of the weights are matrix products over all positions. Positions behind the lengths get and give
    /// nothing. Gradients that are null are not computed, those of absent inputs must be null. Sums run in a fixed order.</summary>
    public static void RecurrentBackward(DeviceStream stream, in RecurrentOptions options, in RecurrentInputs inputs, in RecurrentGradients gradients)
    {
        var native = options.ToNative();
        var i = inputs;
        var g = gradients;
        // Nineteen tensors are two calls' worth of leases.
        using var call = new KernelCall(stream, "recurrent_backward", i.X, i.Weights, i.Recurrent, i.Bias, i.RecurrentBias, i.Lengths, i.InitialH, i.InitialC, i.Y, i.Dy);
        using var outputs = new KernelCall(stream, "recurrent_backward", i.DFinalH, i.DFinalC, g.X, g.Weights, g.Recurrent, g.Bias, g.RecurrentBias, g.InitialH, g.InitialC);
        fixed (fovea_tensor* pX = i.X, pWeights = i.Weights, pRecurrent = i.Recurrent, pBias = i.Bias, pRecurrentBias = i.RecurrentBias, pLengths = i.Lengths)
        fixed (fovea_tensor* pInitialH = i.InitialH, pInitialC = i.InitialC, pY = i.Y, pDy = i.Dy, pDFinalH = i.DFinalH, pDFinalC = i.DFinalC)
        fixed (fovea_tensor* gX = g.X, gWeights = g.Weights, gRecurrent = g.Recurrent, gBias = g.Bias, gRecurrentBias = g.RecurrentBias, gInitialH = g.InitialH, gInitialC = g.InitialC)
        {
            var given = new fovea_recurrent_inputs
            {
                x = pX,
                weights = pWeights,
                recurrent = pRecurrent,
                bias = pBias,
                recurrent_bias = pRecurrentBias,
                lengths = pLengths,
                initial_h = pInitialH,
                initial_c = pInitialC,
                y = pY,
                dy = pDy,
                d_final_h = pDFinalH,
                d_final_c = pDFinalC,
            };
            var results = new fovea_recurrent_gradients
            {
                dx = gX,
                d_weights = gWeights,
                d_recurrent = gRecurrent,
                d_bias = gBias,
                d_recurrent_bias = gRecurrentBias,
                d_initial_h = gInitialH,
                d_initial_c = gInitialC,
            };
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_recurrent_backward_workspace(&native, pX, &bytes), "recurrent_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            outputs.Check(fovea_status.FOVEA_OK);
            call.Check(NativeMethods.fovea_recurrent_backward(&native, &given, &results, &scratch, call.Stream));
        }
    }
}
