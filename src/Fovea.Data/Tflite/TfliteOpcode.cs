namespace Fovea.Data;

/// <summary>Operators of the TFLite schema that occur in the models we read; others are kept as their number.</summary>
public enum TfliteOpcode
{
    /// <summary>Sum of two tensors.</summary>
    Add = 0,

    /// <summary>Average pooling.</summary>
    AveragePool2D = 1,

    /// <summary>Concatenation.</summary>
    Concatenation = 2,

    /// <summary>Convolution; inputs: x, weights [out][kh][kw][in], bias.</summary>
    Conv2D = 3,

    /// <summary>Depthwise convolution; inputs: x, weights [1][kh][kw][channels], bias.</summary>
    DepthwiseConv2D = 4,

    /// <summary>Moves blocks of channels into the plane; options: 0 block size.</summary>
    DepthToSpace = 5,

    /// <summary>Conversion to f32; here mostly of 16-bit float weights.</summary>
    Dequantize = 6,

    /// <summary>Fully connected; inputs: x, weights [out][in], bias.</summary>
    FullyConnected = 9,

    /// <summary>Logistic sigmoid.</summary>
    Logistic = 14,

    /// <summary>Maximum pooling.</summary>
    MaxPool2D = 17,

    /// <summary>Product of two tensors.</summary>
    Mul = 18,

    /// <summary>Rectified linear unit.</summary>
    Relu = 19,

    /// <summary>Change of shape.</summary>
    Reshape = 22,

    /// <summary>Bilinear resize.</summary>
    ResizeBilinear = 23,

    /// <summary>Softmax over the last axis.</summary>
    Softmax = 25,

    /// <summary>An operator outside the schema; see <see cref="TfliteOperator.CustomName"/>.</summary>
    Custom = 32,

    /// <summary>Constant padding.</summary>
    Pad = 34,

    /// <summary>Permutation of axes.</summary>
    Transpose = 39,

    /// <summary>Difference of two tensors.</summary>
    Sub = 41,

    /// <summary>Quotient of two tensors.</summary>
    Div = 42,

    /// <summary>Exponential.</summary>
    Exp = 47,

    /// <summary>Rectified linear unit with a learned slope per channel.</summary>
    Prelu = 54,

    /// <summary>Negation.</summary>
    Neg = 59,

    /// <summary>Sum over axes.</summary>
    Sum = 74,

    /// <summary>Maximum over axes.</summary>
    ReduceMax = 82,

    /// <summary>Sparse weights to dense ones.</summary>
    Densify = 124,
}
