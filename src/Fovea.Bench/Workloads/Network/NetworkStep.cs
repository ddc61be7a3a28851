namespace Fovea.Bench.Workloads.Network;

/// <summary>One layer of a <see cref="NetworkWorkload"/>; inputs and outputs are names.</summary>
public abstract record NetworkStep(string Input, string Output);

/// <summary>Activation of bias plus residual plus convolution.</summary>
/// <param name="Input">Name of x.</param>
/// <param name="Output">Name of y.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Activation">None, ReLU or PReLU.</param>
/// <param name="Residual">Name of what is added before the activation, or null.</param>
/// <param name="Weights">[out][kh][kw][in].</param>
/// <param name="Bias">[out].</param>
/// <param name="Slope">[out] for PReLU, else empty.</param>
public sealed record ConvStep(string Input, string Output, ConvShape Shape, Activation Activation, string? Residual, float[] Weights, float[] Bias, float[] Slope)
    : NetworkStep(Input, Output);

/// <summary>Maximum over windows.</summary>
public sealed record PoolStep(string Input, string Output, Pool2DOptions Options) : NetworkStep(Input, Output);

/// <summary>Softmax over channels.</summary>
public sealed record SoftmaxStep(string Input, string Output) : NetworkStep(Input, Output);
