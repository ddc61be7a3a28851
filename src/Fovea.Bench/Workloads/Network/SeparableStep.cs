namespace Fovea.Bench.Workloads.Network;

/// <summary>A depthwise layer and the 1x1 layer behind it in one call; peers, which have no such operator, run both layers.</summary>
public sealed record SeparableStep(ConvStep Depthwise, ConvStep Pointwise) : NetworkStep(Depthwise.Input, Pointwise.Output)
{
    public override IReadOnlyList<string> Reads => Pointwise.Residual is { } residual ? [Input, residual] : [Input];

    public override IReadOnlyList<NetworkStep> Layers => [Depthwise, Pointwise];
}
