namespace Fovea.Benchmarks.Mtcnn;

/// <summary>Settings of the peer's cascade; the defaults are those of Fovea's.</summary>
internal sealed record PeerOptions
{
    public int Threads { get; init; } = 1;

    /// <summary>Crops per call of R-Net and O-Net. The default is Fovea's own; activations of larger batches leave the caches.</summary>
    public int Batch { get; init; } = 32;

    public float ProposalThreshold { get; init; } = 0.6f;

    public float RefinementThreshold { get; init; } = 0.7f;

    public float OutputThreshold { get; init; } = 0.7f;

    public int MaxWindowsPerLevel { get; init; } = 4096;

    public int MaxProposals { get; init; } = 2048;

    public int MaxDetections { get; init; } = 512;
}
