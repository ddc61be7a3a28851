using Fovea.Data;

namespace Fovea.Detection.Systems;

/// <summary>How a <see cref="DetectorTrainer"/> trains.</summary>
public sealed record DetectorTrainingOptions
{
    /// <summary>Images per step.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Runs per step, each over its share of the batch; gradients are averaged. Divides <see cref="BatchSize"/>. The means of
    /// a loss over positive cells are then those of a share, so results differ from those of one run.</summary>
    public int MicroBatches { get; init; } = 1;

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

    /// <summary>Decay of the moving averages of the weights, which rises to this over the first tenth of <see cref="Steps"/>; 0: there are
    /// none. Detection then uses the averages.</summary>
    public float AverageDecay { get; init; }

    /// <summary>Of the order of the images, dropout and augmentation.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Random changes of the images, others in every epoch; null: none.</summary>
    public SceneAugmentation? Augmentation { get; init; }

    /// <summary>Bytes that a step may use for activations, beside parameters: what does not fit is computed again, with the same bits in
    /// the end. null: no plan, everything is kept.</summary>
    public long? ActivationBytes { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1, nameof(BatchSize));
        ArgumentOutOfRangeException.ThrowIfLessThan(MicroBatches, 1, nameof(MicroBatches));
        if (BatchSize % MicroBatches != 0) throw new ArgumentException($"{BatchSize} images cannot be shared out among {MicroBatches} runs");
        ArgumentOutOfRangeException.ThrowIfLessThan(Places, 1, nameof(Places));
        ArgumentOutOfRangeException.ThrowIfLessThan(Steps, 1, nameof(Steps));
        if (!(AverageDecay is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(AverageDecay), AverageDecay, "A decay lies between 0 and 1.");
    }
}
