using Fovea.Models.Ssd;

namespace Fovea.Models.Tests;

public sealed class SsdMobileNetV2Tests
{
    [Fact]
    public void ItIsDeterministicAndHasThePublishedSize()
    {
        var weights = new GeneratedConvolutions();
        using var stream = Device.Cpu.CreateStream();
        using var net = new SsdMobileNetV2(stream, weights);
        Assert.Equal(4_951_996, weights.Parameters);
        using var image = DeviceTensor.From<float>(stream, Ramp(300 * 300 * 3), 1, 300, 300, 3);
        float[] first = Run(stream, net, image);
        Assert.All(first, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(first, Run(stream, net, image));
        // Some of them are alive.
        Assert.True(first.Max() - first.Min() > 0.01f);
    }

    /// <summary>Numbers of the anchor generator of TensorFlow's detection models for this configuration.</summary>
    [Fact]
    public void AnchorsAreThoseOfTensorFlow()
    {
        float[] boxes = SsdMobileNetV2.AnchorBoxes();
        Assert.Equal(1917, SsdMobileNetV2.Anchors);
        Assert.Equal(4 * 1917, boxes.Length);
        AssertAnchor(0, 0.5f / 19, 0.5f / 19, 0.1f, 0.1f);
        AssertAnchor(1, 0.5f / 19, 0.5f / 19, 0.282843f, 0.141421f);
        AssertAnchor(3 * 20 + 2, 1.5f / 19, 1.5f / 19, 0.141421f, 0.282843f);
        AssertAnchor(1083 + 1, 0.05f, 0.05f, 0.494975f, 0.247487f);
        AssertAnchor(1083 + 3, 0.05f, 0.05f, 0.606218f, 0.202073f);
        AssertAnchor(1083 + 6 + 4, 0.15f, 0.05f, 0.202063f, 0.606248f);
        AssertAnchor(1083 + 5, 0.05f, 0.05f, 0.418330f, 0.418330f);
        AssertAnchor(1911, 0.5f, 0.5f, 0.95f, 0.95f);
        AssertAnchor(1916, 0.5f, 0.5f, 0.974679f, 0.974679f);

        void AssertAnchor(int index, float x, float y, float width, float height)
        {
            var box = boxes.AsSpan(4 * index, 4);
            Assert.Equal(x, (box[0] + box[2]) / 2, 1e-6f);
            Assert.Equal(y, (box[1] + box[3]) / 2, 1e-6f);
            Assert.Equal(width, box[2] - box[0], 1e-6f);
            Assert.Equal(height, box[3] - box[1], 1e-6f);
        }
    }

    private static float[] Run(DeviceStream stream, SsdMobileNetV2 net, DeviceTensor image)
    {
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, SsdMobileNetV2.Anchors, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, SsdMobileNetV2.Anchors, SsdMobileNetV2.Scores);
        net.Forward(stream, image, boxes, scores);
        return [.. boxes.ToArray<float>(stream), .. scores.ToArray<float>(stream)];
    }

    private static float[] Ramp(int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = i * 37 % 255 / 127.5f - 1;
        return values;
    }
}
