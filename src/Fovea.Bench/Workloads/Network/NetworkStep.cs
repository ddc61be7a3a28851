namespace Fovea.Bench.Workloads.Network;

/// <summary>One layer of a <see cref="NetworkWorkload"/>; inputs and outputs are names.</summary>
public abstract record NetworkStep(string Input, string Output)
{
    /// <summary>Names of everything that it reads.</summary>
    public virtual IReadOnlyList<string> Reads => [Input];

    /// <summary>The same work as separate layers.</summary>
    public virtual IReadOnlyList<NetworkStep> Layers => [this];
}

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

/// <summary>A depthwise layer and the 1x1 layer behind it in one call; peers, which have no such operator, run both layers.</summary>
public sealed record SeparableStep(ConvStep Depthwise, ConvStep Pointwise) : NetworkStep(Depthwise.Input, Pointwise.Output)
{
    public override IReadOnlyList<string> Reads => Pointwise.Residual is { } residual ? [Input, residual] : [Input];

    public override IReadOnlyList<NetworkStep> Layers => [Depthwise, Pointwise];
}

/// <summary>The sum of two maps, behind an activation where a residual would be in front of it.</summary>
public sealed record AddStep(string Input, string Other, string Output) : NetworkStep(Input, Output)
{
    public override IReadOnlyList<string> Reads => [Input, Other];
}

/// <summary>Maps side by side along channels. Fovea's layers write into their part of it, so that nothing is copied.</summary>
public sealed record ConcatStep(IReadOnlyList<string> Inputs, string Output) : NetworkStep(Inputs[0], Output)
{
    public override IReadOnlyList<string> Reads => Inputs;
}

/// <summary>Maximum over windows.</summary>
public sealed record PoolStep(string Input, string Output, Pool2DOptions Options) : NetworkStep(Input, Output);

/// <summary>Softmax over channels.</summary>
public sealed record SoftmaxStep(string Input, string Output) : NetworkStep(Input, Output);
