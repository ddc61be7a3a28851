using Fovea.Interop;

namespace Fovea;

/// <summary>Softmax cross-entropy.</summary>
public readonly record struct CrossEntropyOptions
{
    /// <summary>Creates the defaults.</summary>
    public CrossEntropyOptions()
    {
    }

    /// <summary>e in [0, 1): the loss is (1-e) times that of the target plus e/K times the sum over all K classes.</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>A target of this value takes its row out. Any value that is no class.</summary>
    public long IgnoreIndex { get; init; } = -100;

    internal fovea_cross_entropy_params ToNative() => new()
    {
        label_smoothing = LabelSmoothing,
        ignore_index = IgnoreIndex,
    };
}
