namespace Fovea;

/// <summary>Where <see cref="Kernels.DeformConv2DBackward"/> writes; null for gradients that nobody needs.</summary>
public readonly record struct DeformConv2DGradients
{
    /// <summary>[N][H][W][in].</summary>
    public DeviceTensor? X { get; init; }

    /// <summary>[N][oh][ow][offset groups * taps * 2].</summary>
    public DeviceTensor? Offsets { get; init; }

    /// <summary>[N][oh][ow][offset groups * taps]; null without a mask.</summary>
    public DeviceTensor? Mask { get; init; }

    /// <summary>[out][kh][kw][in/groups].</summary>
    public DeviceTensor? Weights { get; init; }

    /// <summary>[out].</summary>
    public DeviceTensor? Bias { get; init; }
}
