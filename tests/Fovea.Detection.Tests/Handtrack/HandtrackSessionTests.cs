using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Models.Handtrack;
using Fovea.Models.Tests;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.Handtrack;

public sealed class HandtrackSessionTests
{
    /// <summary>The best of the oracle's boxes of each class, in an image that needs no scaling, are found with its score and place.</summary>
    [Fact]
    public void FindsTheBoxesOfTensorFlow()
    {
        string oracle = SharedData.Oracle("fpn_handtrack/person");
        using var model = HandtrackModel.Load(Device.Cpu, SharedData.Installed("handtrack"));
        // There is no hand in the picture, so no score is above 0.47.
        using var session = new HandtrackSession(model, new HandtrackOptions { Threshold = 0.2f });
        var image = NpyFile.Load(Path.Combine(oracle, "input_u8_1x320x320x3.npy"));
        float[] boxes = NpyFile.Load(Path.Combine(oracle, "raw_boxes.npy")).Floats.ToArray();
        float[] scores = NpyFile.Load(Path.Combine(oracle, "raw_scores.npy")).Floats.ToArray();
        var found = new ObjectDetection[64];
        int count = session.Detect(image.Bytes, 320, 320, found);
        int compared = 0;
        for (int c = 0; c < HandtrackModel.ClassNames.Length; c++)
        {
            int best = Enumerable.Range(0, HandtrackNet.AnchorCount).MaxBy(i => scores[i * HandtrackNet.Scores + 1 + c]);
            float score = scores[best * HandtrackNet.Scores + 1 + c];
            if (score <= 0.2f) continue;
            var first = found[..count].First(f => f.Class == c);
            Assert.Equal(score, first.Score, 2e-5f);
            // Top, left, bottom, right as shares of the image.
            var (y1, x1, y2, x2) = (boxes[4 * best], boxes[4 * best + 1], boxes[4 * best + 2], boxes[4 * best + 3]);
            var expected = BoxXywh.FromCorners(x1 * 320, y1 * 320, x2 * 320, y2 * 320);
            Assert.True(Box(first).Iou(expected) > 0.999);
            compared++;
        }

        Assert.True(compared > 0, "no class has a score above the threshold");
    }

    /// <summary>Class, score and edges that TensorFlow.js finds in photos stretched to 320 pixels, behind another JPEG decoder.</summary>
    public static TheoryData<string, (string Class, float Score, float X1, float Y1, float X2, float Y2)[]> Photos => new()
    {
        {
            "sample5.jpg",
            [
                ("face", 0.936f, 357, 835.8f, 557.5f, 1197.2f), ("face", 0.871f, 763.2f, 57.5f, 944, 385.6f),
                ("face", 0.706f, 1385.6f, 293.9f, 1680.8f, 695.4f), ("hand", 0.633f, 1130.1f, 1130.3f, 1357.5f, 1371.1f),
            ]
        },
        {
            "sample6.jpg",
            [
                ("face", 0.906f, 187.4f, 409.4f, 492.9f, 791.1f), ("face", 0.901f, 1452.4f, 169.6f, 1753.4f, 586.4f),
                ("face", 0.867f, 671.5f, 233.7f, 875, 646.4f), ("fist", 0.686f, 1306, 1337.5f, 1473, 1494.5f),
                ("face", 0.682f, 1123.5f, 187.9f, 1415.1f, 653.2f),
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Photos))]
    public void FindsFacesAndHands(string name, (string Class, float Score, float X1, float Y1, float X2, float Y2)[] expected)
    {
        var photo = SharedData.Photo(name);
        using var model = HandtrackModel.Load(Device.Cpu, SharedData.Installed("handtrack"));
        using var session = new HandtrackSession(model);
        var found = new ObjectDetection[64];
        int count = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, found);
        Assert.Equal(expected.Length, count);
        foreach (var (label, score, x1, y1, x2, y2) in expected)
        {
            var box = BoxXywh.FromCorners(x1, y1, x2, y2);
            var nearest = found[..count].Where(f => HandtrackModel.ClassNames[f.Class] == label).MaxBy(f => Box(f).Iou(box));
            Assert.True(Box(nearest).Iou(box) >= 0.95, $"the {label} at {box} is found at {Box(nearest)}");
            Assert.Equal(score, nearest.Score, 0.03f);
        }
    }

    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        using var model = new HandtrackModel(Device.Cpu, s => new HandtrackNet(s, HandtrackLayout.Weights()));
        using var session = new HandtrackSession(model, new HandtrackOptions { Threshold = 0 });
        const int width = 70, height = 110;
        byte[] picture = GeneratedTfjs.Picture(width, height);
        session.WarmUp(width, height);
        var (first, second) = (new ObjectDetection[64], new ObjectDetection[64]);
        int count = session.Detect(picture, width, height, first);
        Assert.InRange(count, 1, 64);
        Assert.Equal(0, Garbage.Of(() => session.Detect(picture, width, height, second)));
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        foreach (var d in first[..count]) Assert.InRange(d.Class, 0, HandtrackModel.ClassNames.Length - 1);
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentNullException>(() => new HandtrackSession(null!));
        Assert.Throws<ModelNotInstalledException>(() => HandtrackModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }

    private static BoxXywh Box(in ObjectDetection d) => BoxXywh.FromCorners(d.X1, d.Y1, d.X2, d.Y2);
}
