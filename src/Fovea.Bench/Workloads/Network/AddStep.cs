namespace Fovea.Bench.Workloads.Network;

/// <summary>The sum of two maps, behind an activation where a residual would be in front of it.</summary>
public sealed record AddStep(string Input, string Other, string Output) : NetworkStep(Input, Output)
{
    public override IReadOnlyList<string> Reads => [Input, Other];
}
