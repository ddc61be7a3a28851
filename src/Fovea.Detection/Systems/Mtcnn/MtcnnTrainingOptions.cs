namespace Fovea.Detection.Systems;

/// <summary>How an <see cref="MtcnnTrainer"/> trains.</summary>
public sealed record MtcnnTrainingOptions
{
    /// <summary>Windows per step: half of them background, a quarter faces, a quarter parts of faces.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Steps of P-Net.</summary>
    public long ProposalSteps { get; init; } = 800;

    /// <summary>Steps of R-Net.</summary>
    public long RefinementSteps { get; init; } = 500;

    /// <summary>Steps of O-Net.</summary>
    public long OutputSteps { get; init; } = 400;

    /// <summary>Largest learning rate of AdamW; it rises over a twentieth of a network's steps and falls by a cosine to a hundredth.</summary>
    public float LearningRate { get; init; } = 2e-3f;

    /// <summary>AdamW's weight decay.</summary>
    public float WeightDecay { get; init; } = 1e-4f;

    /// <summary>The share of a batch, those with the largest loss, that the classifier learns from.</summary>
    public float HardShare { get; init; } = 0.7f;

    /// <summary>The class of the images that is a face; objects of others are background.</summary>
    public int FaceClass { get; init; }

    /// <summary>Of windows and their order.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Thresholds and pyramid of the cascade whose mistakes the later networks learn from.</summary>
    public MtcnnOptions Cascade { get; init; } = new();

    internal long Steps(MtcnnStage stage) => stage switch
    {
        MtcnnStage.Proposal => ProposalSteps,
        MtcnnStage.Refinement => RefinementSteps,
        _ => OutputSteps,
    };
}
