namespace Fovea.Models.Blocks;

/// <summary>How the weights of a convolution begin.</summary>
public enum InitialWeights
{
    /// <summary>Normal, for layers with ReLU; keeps the variance of gradients.</summary>
    HeNormal,

    /// <summary>Even, for layers without activation; keeps the variance of what flows forward.</summary>
    LecunUniform,

    /// <summary>Normal of deviation 0.01, for the towers of dense heads.</summary>
    SmallNormal,
}
