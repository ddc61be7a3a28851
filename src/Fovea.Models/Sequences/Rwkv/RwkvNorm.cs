namespace Fovea.Models.Sequences.Rwkv;

/// <summary>A layer norm in front of a mix, which first adds the result of the mix before to the residual stream.</summary>
internal sealed class RwkvNorm(RwkvWeights weights, string name)
{
    private static readonly LayerNormOptions Options = new() { Epsilon = 1e-5f };

    private readonly DeviceTensor _gamma = weights.Tensor($"{name}.weight", weights.Options.Width);
    private readonly DeviceTensor _beta = weights.Tensor($"{name}.bias", weights.Options.Width);

    /// <summary>x += delta where there is one; y = norm(x).</summary>
    public void Forward(DeviceStream stream, DeviceTensor? delta, DeviceTensor x, DeviceTensor y)
    {
        if (delta is null) Kernels.LayerNorm(stream, Options, x, null, _gamma, _beta, null, y);
        else Kernels.LayerNorm(stream, Options, delta, x, _gamma, _beta, x, y);
    }
}
