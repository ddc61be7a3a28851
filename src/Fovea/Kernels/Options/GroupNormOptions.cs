using Fovea.Interop;

namespace Fovea;

/// <summary>Group normalisation.</summary>
public readonly record struct GroupNormOptions
{
    /// <summary>One group: the whole image shares mean and variance.</summary>
    public GroupNormOptions()
    {
    }

    /// <summary>A normalisation with this many groups; as many as channels is instance normalisation.</summary>
    public GroupNormOptions(int groups) => Groups = groups;

    /// <summary>How many groups of neighbouring channels there are; divides the channels.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Added to the variance, or to the mean square; not negative.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Divides by the root of the mean square and subtracts no mean.</summary>
    public bool Rms { get; init; }

    internal fovea_norm_params ToNative() => new()
    {
        epsilon = Epsilon,
        rms = Rms ? 1 : 0,
        groups = Groups,
    };
}
