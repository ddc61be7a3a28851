using Fovea.Models.Handtrack;

namespace Fovea.Models.Tests;

public sealed class HandtrackNetworkTests
{
    [Fact]
    public void GeneratedWeightsMakeTheSameNetworkEverywhere()
    {
        var weights = HandtrackLayout.Weights();
        Assert.Equal(12804, HandtrackNet.AnchorCount);
        // Beside the parameters: centre and size of the anchors.
        Assert.Equal(2_869_320 + 4 * 12804, weights.Tensors.Sum(t => t.ElementCount));
        using var stream = Device.Cpu.CreateStream();
        using var net = new HandtrackNet(stream, weights);
        Assert.Equal(4 * 12804, net.Anchors.Length);
        float[] first = Run(stream, net);
        Assert.All(first, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(first, Run(stream, net));
    }

    [Fact]
    public void AnotherNetworksWeightsAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        var error = Assert.Throws<InvalidDataException>(() => new HandtrackNet(stream, NanoDetLayout.Weights()));
        Assert.Contains("model/Conv1/Conv2D_weights", error.Message, StringComparison.Ordinal);
    }

    private static float[] Run(DeviceStream stream, HandtrackNet net)
    {
        const int size = HandtrackNet.InputSize;
        float[] input = Array.ConvertAll(GeneratedTfjs.Picture(size, size), value => value / 127.5f - 1);
        using var x = DeviceTensor.From<float>(stream, input, 1, size, size, 3);
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, HandtrackNet.AnchorCount, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, HandtrackNet.AnchorCount, HandtrackNet.Scores);
        net.Forward(stream, x, boxes, scores);
        return [.. boxes.ToArray<float>(stream), .. scores.ToArray<float>(stream)];
    }
}
