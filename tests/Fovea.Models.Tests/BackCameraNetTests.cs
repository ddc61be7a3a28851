using Fovea.Models.BlazeFace;

namespace Fovea.Models.Tests;

public sealed class BackCameraNetTests
{
    [Fact]
    public void ItIsDeterministicAndHasThePublishedSize()
    {
        var weights = new GeneratedConvolutions();
        using var stream = Device.Cpu.CreateStream();
        using var net = new BackCameraNet(stream, weights);
        // The file's number and the biases of 16 x 24, 8 x 48 and 8 x 96 depthwise channels, which it does not have.
        Assert.Equal(134_704 + 16 * 24 + 8 * 48 + 8 * 96, weights.Parameters);
        Assert.Equal(896, net.Anchors);
        var pixels = new float[256 * 256 * 3];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = i * 37 % 255 / 127.5f - 1;
        using var image = DeviceTensor.From<float>(stream, pixels, 1, 256, 256, 3);
        float[] first = Run(stream, net, image);
        Assert.All(first, v => Assert.True(float.IsFinite(v)));
        Assert.True(first.Max() - first.Min() > 0.01f);
        Assert.Equal(first, Run(stream, net, image));
    }

    private static float[] Run(DeviceStream stream, BlazeFaceNet net, DeviceTensor image)
    {
        using var regressors = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, BlazeFaceNet.Outputs);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, 1);
        net.Forward(stream, image, regressors, scores);
        return [.. regressors.ToArray<float>(stream), .. scores.ToArray<float>(stream)];
    }
}
