using Fovea.Interop;

namespace Fovea;

public static unsafe partial class Kernels
{
    /// <summary>Deformable convolution (Dai et al., 2017; with mask: Zhu et al., "Deformable ConvNets v2", 2019). Each tap of each output
    /// position samples x [N][H][W][in] bilinearly, zero outside, at its usual place plus an offset: offsets Float32
    /// [N][oh][ow][offset groups * taps * 2], y before x, mask Float32 [N][oh][ow][offset groups * taps] or null for ones. weights
    /// [out][kh][kw][in/groups] and bias [out] or null are Float32, y [N][oh][ow][out]. A sample with a NaN offset lies outside.</summary>
    public static void DeformConv2D(DeviceStream stream, in DeformConv2DOptions options,
        DeviceTensor x, DeviceTensor offsets, DeviceTensor? mask, DeviceTensor weights, DeviceTensor? bias, DeviceTensor y)
    {
        var native = options.ToNative();
        using var call = new KernelCall(stream, "deform_conv2d", x, offsets, mask, weights, bias, y);
        fixed (fovea_tensor* pX = x, pOffsets = offsets, pMask = mask, pWeights = weights, pBias = bias, pY = y)
        {
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_deform_conv2d_workspace(&native, pX, &bytes), "deform_conv2d");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_deform_conv2d(&native, pX, pOffsets, pMask, pWeights, pBias, pY, &scratch, call.Stream));
        }
    }

    /// <summary>Gradients of <see cref="DeformConv2D"/> without its activation: dy [N][oh][ow][out] is the gradient in front of it. A
    /// sample outside the image gives none; on a cell's border the derivative by the offset is that of the cell to the lower right. Each
    /// gradient is written whole. Sums run in a fixed order: deterministic, whatever the number of threads.</summary>
    public static void DeformConv2DBackward(DeviceStream stream, in DeformConv2DOptions options,
        DeviceTensor x, DeviceTensor offsets, DeviceTensor? mask, DeviceTensor weights, DeviceTensor dy, in DeformConv2DGradients gradients)
    {
        var native = options.ToNative();
        var g = gradients;
        using var call = new KernelCall(stream, "deform_conv2d_backward", x, offsets, mask, weights, dy, g.X, g.Offsets, g.Mask, g.Weights, g.Bias);
        fixed (fovea_tensor* pX = x, pOffsets = offsets, pMask = mask, pWeights = weights, pDy = dy)
        fixed (fovea_tensor* gX = g.X, gOffsets = g.Offsets, gMask = g.Mask, gWeights = g.Weights, gBias = g.Bias)
        {
            var results = new fovea_deform_conv2d_gradients { dx = gX, d_offsets = gOffsets, d_mask = gMask, dw = gWeights, dbias = gBias };
            long bytes;
            Throw.IfFailed(NativeMethods.fovea_deform_conv2d_backward_workspace(&native, pX, &bytes), "deform_conv2d_backward");
            using var workspace = call.Rent(bytes);
            var scratch = workspace.Native;
            call.Check(NativeMethods.fovea_deform_conv2d_backward(&native, pX, pOffsets, pMask, pWeights, pDy, &results, &scratch, call.Stream));
        }
    }
}
