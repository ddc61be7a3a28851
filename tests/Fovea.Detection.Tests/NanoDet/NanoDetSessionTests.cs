using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Models;
using Fovea.Models.NanoDet;
using Fovea.Models.Tests;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.NanoDet;

public sealed class NanoDetSessionTests
{
    /// <summary>Class, score and edges that TensorFlow.js finds with the same letterbox, decoding and suppression, written independently, in
    /// double precision, behind another JPEG decoder.</summary>
    public static TheoryData<string, (string Class, float Score, float X1, float Y1, float X2, float Y2)[]> Photos => new()
    {
        {
            "sample1.jpg",
            [
                ("person", 0.665f, 710.4f, 311, 1273.6f, 1276.1f), ("person", 0.640f, 274.8f, 241.3f, 718.4f, 1276.6f),
                ("wine glass", 0.610f, 268.9f, 1012, 425.6f, 1278.9f), ("wine glass", 0.438f, 229.5f, 938.1f, 428.9f, 1266.4f),
                ("person", 0.369f, 1183.5f, 189, 1886.7f, 1279.2f),
            ]
        },
        {
            "sample5.jpg",
            [
                ("person", 0.826f, 67.1f, 803.8f, 743.3f, 1396), ("person", 0.791f, 949.5f, 253.3f, 1864.7f, 1382),
                ("person", 0.541f, 697.2f, 47.1f, 1087.2f, 1167.2f), ("person", 0.534f, 1052.7f, 160.8f, 1445.2f, 935.4f),
                ("person", 0.501f, 402.9f, 344.5f, 945.2f, 1342.7f),
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Photos))]
    public void FindsWhatTensorFlowFinds(string name, (string Class, float Score, float X1, float Y1, float X2, float Y2)[] expected)
    {
        var photo = SharedData.Photo(name);
        using var model = NanoDetModel.Load(Device.Cpu, SharedData.Installed("nanodet"));
        using var session = new NanoDetSession(model);
        var found = new ObjectDetection[64];
        int count = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, found);
        Assert.Equal(expected.Length, count);
        foreach (var (label, score, x1, y1, x2, y2) in expected)
        {
            var box = BoxXywh.FromCorners(x1, y1, x2, y2);
            var nearest = found[..count].Where(f => CocoClasses.Names[f.Class] == label).MaxBy(f => Box(f).Iou(box));
            Assert.True(Box(nearest).Iou(box) >= 0.95, $"the {label} at {box} is found at {Box(nearest)}");
            Assert.Equal(score, nearest.Score, 0.02f);
        }
    }

    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        using var model = new NanoDetModel(Device.Cpu, s => new NanoDetNet(s, NanoDetLayout.Weights()));
        // Random logits: everything over the threshold, so that the whole pipeline has work.
        using var session = new NanoDetSession(model, new NanoDetOptions { Threshold = 0 });
        const int width = 90, height = 50;
        byte[] picture = GeneratedTfjs.Picture(width, height);
        session.WarmUp(width, height);
        var (first, second) = (new ObjectDetection[64], new ObjectDetection[64]);
        Assert.Equal(64, session.Detect(picture, width, height, first));
        Assert.Equal(0, Garbage.Of(() => session.Detect(picture, width, height, second)));
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        for (int i = 1; i < first.Length; i++) Assert.True(first[i].Score <= first[i - 1].Score);
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentNullException>(() => new NanoDetSession(null!));
        Assert.Throws<ModelNotInstalledException>(() => NanoDetModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }

    private static BoxXywh Box(in ObjectDetection d) => BoxXywh.FromCorners(d.X1, d.Y1, d.X2, d.Y2);
}
