using Fovea.Data;

namespace Fovea.Models.Tests;

/// <summary>Names and shapes of the weights of FaceBoxes.</summary>
internal static class FaceBoxesLayout
{
    private static readonly (string Name, int Size, int Inputs, int Outputs)[] Convolutions =
    [
        ("conv1", 7, 3, 24), ("conv2", 5, 48, 64), ("conv3_1", 1, 128, 128), ("conv3_2", 3, 128, 256), ("conv4_1", 1, 256, 128),
        ("conv4_2", 3, 128, 256),
    ];

    private static readonly (string Name, int Size, int Inputs, int Outputs)[] Inception =
    [
        ("conv_1x1_path1", 1, 128, 32), ("conv_1x1_path2", 1, 128, 32), ("conv_1x1_path3", 1, 128, 24), ("conv_1x1_path4", 1, 128, 24),
        ("conv_3x3_path3", 3, 24, 32), ("conv_3x3_path4", 3, 24, 32), ("conv_3x3_second_path4", 3, 32, 32),
    ];

    private static readonly (string Name, int Inputs, int Outputs)[] Heads =
    [
        ("box_encoding_predictor_0", 128, 84), ("class_predictor_0", 128, 42), ("box_encoding_predictor_1", 256, 4),
        ("class_predictor_1", 256, 2), ("box_encoding_predictor_2", 256, 4), ("class_predictor_2", 256, 2),
    ];

    public static TfjsWeights Weights() => GeneratedTfjs.Create(All());

    private static IEnumerable<(string Name, int[] Shape)> All()
    {
        var layers = Convolutions.Concat(
            from block in Enumerable.Range(1, 3) from path in Inception select path with { Name = $"inception{block}/{path.Name}" });
        foreach (var (name, size, inputs, outputs) in layers)
        {
            yield return ($"{name}/Conv2D_weights", [size, size, inputs, outputs]);
            yield return ($"{name}/Conv2D_bn_offset", [outputs]);
        }

        foreach (var (name, inputs, outputs) in Heads)
        {
            yield return ($"prediction_layers/{name}/weights", [3, 3, inputs, outputs]);
            yield return ($"prediction_layers/{name}/biases", [outputs]);
        }
    }
}
