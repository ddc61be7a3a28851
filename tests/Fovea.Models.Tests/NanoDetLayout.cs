using Fovea.Data;

namespace Fovea.Models.Tests;

/// <summary>Names and shapes of NanoDet-g's weights.</summary>
internal static class NanoDetLayout
{
    private static readonly (int Size, int Inputs, int Outputs)[] Convolutions =
    [
        (3, 3, 32), (3, 32, 32), (3, 32, 16), (3, 16, 16), (3, 32, 32),
        (3, 64, 64), (3, 64, 32), (3, 32, 32), (3, 64, 32), (3, 32, 32), (3, 64, 64),
        (3, 128, 128), (3, 128, 64), (3, 64, 64), (3, 128, 64), (3, 64, 64), (3, 128, 128),
        (3, 256, 256), (3, 256, 128), (3, 128, 128), (3, 256, 128), (3, 128, 128), (3, 256, 128), (3, 128, 128), (3, 256, 256),
        (1, 128, 128), (1, 256, 128), (1, 512, 128),
        (3, 128, 128), (1, 128, 124), (3, 128, 128), (1, 128, 124), (3, 128, 128), (1, 128, 124),
    ];

    private static readonly int[] HeadBiases = [60, 62, 66, 68, 70, 72];

    public static TfjsWeights Weights() => GeneratedTfjs.Create(All());

    private static IEnumerable<(string Name, int[] Shape)> All()
    {
        for (int i = 0; i < Convolutions.Length; i++)
        {
            var (size, inputs, outputs) = Convolutions[i];
            yield return (i == 0 ? "PartitionedCall/split" : $"PartitionedCall/split_{i}", [size, size, inputs, outputs]);
            yield return ($"unknown_{(i < 28 ? 2 * i : HeadBiases[i - 28])}", [outputs]);
        }
    }
}
