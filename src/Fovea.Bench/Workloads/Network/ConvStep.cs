namespace Fovea.Bench.Workloads.Network;

/// <summary>Activation of bias plus residual plus convolution.</summary>
/// <param name="Input">Name of x.</param>
/// <param name="Output">Name of y.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Activation">None, ReLU, PReLU or SiLU.</param>
/// <param name="Residual">Name of what is added before the activation, or null.</param>
/// <param name="Weights">[out][kh][kw][in].</param>
/// <param name="Bias">[out].</param>
/// <param name="Slope">[out] for PReLU, else empty.</param>
public sealed record ConvStep(string Input, string Output, ConvShape Shape, Activation Activation, string? Residual, float[] Weights, float[] Bias, float[] Slope)
    : NetworkStep(Input, Output)
{
    public override IReadOnlyList<string> Reads => Residual is null ? [Input] : [Input, Residual];
}
