using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>What the convolutions of a model have in common.</summary>
public readonly record struct ConvStyle
{
    /// <summary>Batch normalisation with PyTorch's numbers, then ReLU.</summary>
    public ConvStyle()
    {
    }

    /// <summary>Batch normalisation and a leaky ReLU of slope 0.1: every convolution of darknet.</summary>
    public static ConvStyle Darknet => new() { Activation = Activation.LeakyRelu(0.1f) };

    /// <summary>What stands between convolution and activation.</summary>
    public Normalization Normalization { get; init; } = Normalization.Batch;

    /// <summary>Whether the convolution has a bias although a normalisation follows, as in the towers of torchvision's detectors.</summary>
    public bool HasBias { get; init; }

    /// <summary>The activation.</summary>
    public Activation Activation { get; init; } = Activation.Relu;

    /// <summary>Added to the variance.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Share of a batch's statistics that enters the running ones.</summary>
    public float Momentum { get; init; } = 0.1f;

    /// <summary>Groups of a group normalisation.</summary>
    public int Groups { get; init; } = 32;

    /// <summary>The same without activation: what comes before a residual sum.</summary>
    public ConvStyle Linear => this with { Activation = Activation.None };

    /// <summary>The normalisation of a number of channels; null: none.</summary>
    internal Module? CreateNormalization(Initializer init, string name, int channels) => Normalization switch
    {
        Normalization.Batch => new BatchNorm(init, name, channels, Epsilon, Momentum),
        Normalization.FrozenBatch => new FrozenBatchNorm(init, name, channels, Epsilon),
        Normalization.Group => new GroupNorm(init, name, channels, Groups, Epsilon),
        _ => null,
    };
}
