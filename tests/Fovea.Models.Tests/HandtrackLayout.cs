using Fovea.Data;

namespace Fovea.Models.Tests;

/// <summary>Names and shapes of the hand detector's weights.</summary>
internal static class HandtrackLayout
{
    private const string Graph = "StatefulPartitionedCall", Extractor = $"{Graph}/ssd_mobile_net_v2fpn_keras_feature_extractor",
        Predictor = $"{Graph}/WeightSharedConvolutionalBoxPredictor";

    // Outputs of MobileNetV2's blocks.
    private static readonly int[] Blocks = [24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320];

    private static readonly int[] Laterals = [32, 96, 1280];

    public static TfjsWeights Weights() => GeneratedTfjs.Create(Backbone().Concat(Neck()).Concat(Heads()).Concat(Anchors()));

    private static List<(string Name, int[] Shape)> Backbone()
    {
        var layers = new List<(string Name, int[] Shape)>();
        void Convolution(string name, int size, int inputs, int outputs)
        {
            layers.Add(($"{Extractor}/model/{name}/Conv2D_weights", [size, size, inputs, outputs]));
            layers.Add(($"{Extractor}/model/{name}/Conv2D_bn_offset", [outputs]));
        }

        void Depthwise(string name, int channels)
        {
            layers.Add(($"{Extractor}/model/{name}/depthwise_weights", [3, 3, channels, 1]));
            layers.Add(($"{Extractor}/model/{name}/depthwise_bn_offset", [channels]));
        }

        Convolution("Conv1", 3, 3, 32);
        Depthwise("expanded_conv_depthwise", 32);
        Convolution("expanded_conv_project", 1, 32, 16);
        for (int i = 1, inputs = 16; i <= Blocks.Length; inputs = Blocks[i++ - 1])
        {
            Convolution($"block_{i}_expand", 1, inputs, 6 * inputs);
            Depthwise($"block_{i}_depthwise", 6 * inputs);
            Convolution($"block_{i}_project", 1, 6 * inputs, Blocks[i - 1]);
        }

        Convolution("Conv_1", 1, 320, 1280);
        return layers;
    }

    private static IEnumerable<(string Name, int[] Shape)> Neck()
    {
        const string path = $"{Extractor}/FeatureMaps/top_down";
        for (int i = 0; i < Laterals.Length; i++)
        {
            yield return ($"{path}/projection_{i + 1}/Conv2D/ReadVariableOp", [1, 1, Laterals[i], 128]);
            yield return ($"{path}/projection_{i + 1}/BiasAdd/ReadVariableOp", [128]);
        }

        string[] separable =
            [$"{path}/smoothing_1", $"{path}/smoothing_2", $"{Extractor}/bottom_up_Conv2d_20", $"{Extractor}/bottom_up_Conv2d_21"];
        foreach (var layer in separable.SelectMany(name => Folded($"{name}_depthwise_conv/separable_conv2d"))) yield return layer;
    }

    private static IEnumerable<(string Name, int[] Shape)> Heads()
    {
        foreach (string suffix in (string[])["", "_1", "_2", "_3", "_4"])
        {
            for (int i = 0; i < 4; i++)
                foreach (var layer in Folded($"{Predictor}/PredictionTower/conv2d_{i}/separable_conv2d{suffix}")) yield return layer;
            foreach (var (head, outputs) in new[] { ("BoxHead/Box", 24), ("ClassHead/Class", 48) })
            {
                string name = $"{Predictor}/WeightSharedConvolutional{head}Predictor";
                yield return ($"{name}/separable_conv2d{suffix}/ReadVariableOp", [3, 3, 128, 1]);
                yield return ($"{name}/separable_conv2d{suffix}/ReadVariableOp_1", [1, 1, 128, outputs]);
                yield return ($"{name}/BiasAdd{suffix}/ReadVariableOp", [outputs]);
            }
        }
    }

    private static IEnumerable<(string Name, int[] Shape)> Anchors() => ((string[])["add", "add_1", "sub", "sub_1"])
        .Select(name => ($"{Graph}/Postprocessor/Decode/get_center_coordinates_and_sizes/{name}", new[] { 12804 }));

    private static (string Name, int[] Shape)[] Folded(string node) =>
        [($"{node}/ReadVariableOp", [3, 3, 128, 1]), ($"{node}_weights", [1, 1, 128, 128]), ($"{node}_bn_offset", [128])];
}
