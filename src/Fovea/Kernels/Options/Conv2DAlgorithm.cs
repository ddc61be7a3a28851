namespace Fovea;

/// <summary>How a convolution is computed.</summary>
public enum Conv2DAlgorithm
{
    /// <summary>A cost model over parameters and shapes chooses.</summary>
    Auto = 0,

    /// <summary>Sums of products, in register tiles.</summary>
    Direct = 1,

    /// <summary>F(2x2, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016: 2.25 times fewer products,
    /// about the error of the direct sum.</summary>
    Winograd2X2 = 2,

    /// <summary>F(4x4, 3x3): 4 times fewer products.</summary>
    Winograd4X4 = 3,
}
