using Fovea.Data;

namespace Fovea.Models.Handtrack;

/// <summary>Layers of the names that separable convolutions have in the file.</summary>
internal static class HandtrackLayers
{
    /// <summary>3x3 depthwise without bias, 1x1, ReLU6; all with the pyramid's channels. Batch normalisation is folded into the second
    /// kernel.</summary>
    /// <param name="weights">The file.</param>
    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="node">Name.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="side">Side of the input, as for <see cref="SamePadding"/>.</param>
    public static SeparableConv2DLayer FoldedSeparable(
        this TfjsWeights weights, DeviceStream stream, string node, int stride = 1, int side = 0) =>
        weights.Separable(
            stream, Options(TopDownPath.Channels, Activation.Relu6, stride, side),
            $"{node}/ReadVariableOp", depthwiseBias: null, $"{node}_weights", $"{node}_bn_offset");

    /// <summary>3x3 depthwise without bias, 1x1, no activation: the end of a head.</summary>
    /// <param name="weights">The file.</param>
    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="head">Prefix of the nodes' names.</param>
    /// <param name="suffix">Of the nodes' names, which says the level.</param>
    /// <param name="outputs">Channels.</param>
    /// <param name="boxes">Whether the outputs are boxes.</param>
    public static SeparableConv2DLayer Predictor(
        this TfjsWeights weights, DeviceStream stream, string head, string suffix, int outputs, bool boxes)
    {
        string node = $"{head}/separable_conv2d{suffix}";
        return weights.Separable(
            stream, Options(outputs, Activation.None, 1, 0),
            $"{node}/ReadVariableOp", depthwiseBias: null, $"{node}/ReadVariableOp_1", $"{head}/BiasAdd{suffix}/ReadVariableOp", boxes);
    }

    private static SeparableConv2DOptions Options(int outputs, Activation activation, int stride, int side) => new()
    {
        Depthwise = new Conv2DOptions(TopDownPath.Channels, TopDownPath.Channels, 3) { Groups = TopDownPath.Channels }.Same(stride, side),
        OutChannels = outputs,
        Activation = activation,
    };
}
