namespace Fovea.Bench.Workloads.Network;

/// <summary>One layer of a <see cref="NetworkWorkload"/>; inputs and outputs are names.</summary>
public abstract record NetworkStep(string Input, string Output)
{
    /// <summary>Names of everything that it reads.</summary>
    public virtual IReadOnlyList<string> Reads => [Input];

    /// <summary>The same work as separate layers.</summary>
    public virtual IReadOnlyList<NetworkStep> Layers => [this];
}
