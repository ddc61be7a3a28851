namespace Fovea.Bench.Workloads.Network;

/// <summary>Maps side by side along channels. Fovea's layers write into their part of it, so that nothing is copied.</summary>
public sealed record ConcatStep(IReadOnlyList<string> Inputs, string Output) : NetworkStep(Inputs[0], Output)
{
    public override IReadOnlyList<string> Reads => Inputs;
}
