namespace Fovea.Models.Detectors;

/// <summary>How the head of FCOS turns numbers into distances, which are never negative.</summary>
public enum FcosRegression
{
    /// <summary>relu(x), in strides: torchvision.</summary>
    Relu,

    /// <summary>exp(s*x), in pixels, with a factor s that each level learns: the paper.</summary>
    Exponential,
}
