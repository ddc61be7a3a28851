using Fovea.Data;

namespace Fovea.Detection.Systems;

/// <summary>How a <see cref="DetectorTrainer"/> trains.</summary>
public sealed record DetectorTrainingOptions
{
    /// <summary>Images per step.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Places for objects per image; further objects of an image are dropped.</summary>
    public int Places { get; init; } = 16;

    /// <summary>Steps of the whole run, which the schedule of the learning rate is made for: a linear rise over a twentieth, then a cosine
    /// down to a hundredth.</summary>
    public long Steps { get; init; } = 400;

    /// <summary>Largest learning rate of AdamW.</summary>
    public float LearningRate { get; init; } = 2e-3f;

    /// <summary>AdamW's weight decay.</summary>
    public float WeightDecay { get; init; } = 1e-4f;

    /// <summary>The norm that gradients are clipped to; 0: no clipping.</summary>
    public float MaxGradientNorm { get; init; } = 10;

    /// <summary>Of the order of the images, dropout and augmentation.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Random changes of the images, others in every epoch; null: none.</summary>
    public SceneAugmentation? Augmentation { get; init; }

    /// <summary>Bytes that a step may use for activations, beside parameters; null: no plan, everything is kept.</summary>
    public long? ActivationBytes { get; init; }
}
