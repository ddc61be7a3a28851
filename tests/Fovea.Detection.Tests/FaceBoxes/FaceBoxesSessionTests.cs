using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Models.FaceBoxes;
using Fovea.Models.Tests;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests.FaceBoxes;

public sealed class FaceBoxesSessionTests
{
    // The scores of what is no face reach 0.13: below that there is nothing to see.
    private const float Faint = 0.15f;

    /// <summary>Everything that the published graph itself finds in an image that needs no scaling. A lower threshold changes nothing above
    /// it: suppression goes from the best down.</summary>
    [Fact]
    public void BoxesMatchTensorFlow()
    {
        string oracle = SharedData.Oracle("faceboxes/sample1");
        using var model = FaceBoxesModel.Load(Device.Cpu, SharedData.Installed("faceboxes"));
        using var session = new FaceBoxesSession(model, new FaceBoxesOptions { Threshold = Faint });
        var image = NpyFile.Load(Path.Combine(oracle, "input_u8_1xHxWx3.npy"));
        int height = image.Shape[1], width = image.Shape[2];
        float[] scores = NpyFile.Load(Path.Combine(oracle, "scores.npy")).Floats.ToArray();
        float[] boxes = NpyFile.Load(Path.Combine(oracle, "boxes.npy")).Floats.ToArray();  // y1 x1 y2 x2 as shares
        var found = new BoxDetection[64];
        int count = session.Detect(image.Bytes, width, height, found);
        Assert.Equal(scores.Count(s => s > Faint), count);
        // Two runtimes differ by 7e-7; coordinates are shares there, and the image's sides are up to 1024 pixels.
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(scores[i], found[i].Score, 3e-6f);
            Assert.Equal(boxes[4 * i] * height, found[i].Y1, 3e-3f);
            Assert.Equal(boxes[4 * i + 1] * width, found[i].X1, 3e-3f);
            Assert.Equal(boxes[4 * i + 2] * height, found[i].Y2, 3e-3f);
            Assert.Equal(boxes[4 * i + 3] * width, found[i].X2, 3e-3f);
        }
    }

    /// <summary>Score and edges that TensorFlow.js finds in photos scaled down to 1024 pixels, behind another JPEG decoder.</summary>
    public static TheoryData<string, (float Score, float X1, float Y1, float X2, float Y2)[]> Photos => new()
    {
        {
            "sample1.jpg",
            [
                (0.986f, 423.3f, 346.5f, 605.8f, 597.5f), (0.977f, 837.1f, 413.8f, 1039.2f, 661.9f), (0.971f, 1462.1f, 206.6f, 1681.1f, 444.7f),
            ]
        },
        // The first face has two anchors whose scores are equal to four digits; which one wins depends on the JPEG decoder.
        {
            "sample2.jpg",
            [(0.981f, 1452.8f, 167.5f, 1648.3f, 397.4f), (0.941f, 364.5f, 103.8f, 532, 411.7f), (0.925f, 890.7f, 228.4f, 1057, 455)]
        },
        {
            "sample6.jpg",
            [
                (0.993f, 1168.6f, 297.5f, 1369.2f, 581.4f), (0.987f, 1479.3f, 269.1f, 1695.6f, 555.8f), (0.986f, 252.5f, 489.1f, 465.8f, 758.9f),
                (0.985f, 667.9f, 320.5f, 860.5f, 631.9f),
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Photos))]
    public void FindsTheFaces(string name, (float Score, float X1, float Y1, float X2, float Y2)[] expected)
    {
        var photo = SharedData.Photo(name);
        using var model = FaceBoxesModel.Load(Device.Cpu, SharedData.Installed("faceboxes"));
        using var session = new FaceBoxesSession(model);
        var found = new BoxDetection[64];
        int count = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, found);
        Assert.Equal(expected.Length, count);
        foreach (var (score, x1, y1, x2, y2) in expected)
        {
            var box = BoxXywh.FromCorners(x1, y1, x2, y2);
            var nearest = found[..count].MaxBy(f => Box(f).Iou(box));
            Assert.True(Box(nearest).Iou(box) >= 0.95, $"the face at {box} is found at {Box(nearest)}");
            Assert.Equal(score, nearest.Score, 0.01f);
        }
    }

    [Fact]
    public void AWarmCallAllocatesNothingAndRepeatsItself()
    {
        using var model = new FaceBoxesModel(Device.Cpu, s => new FaceBoxesNet(s, FaceBoxesLayout.Weights()));
        using var session = new FaceBoxesSession(model, new FaceBoxesOptions { Threshold = 0 });
        const int width = 300, height = 100;
        byte[] picture = GeneratedTfjs.Picture(width, height);
        session.WarmUp(width, height);
        var (first, second) = (new BoxDetection[64], new BoxDetection[64]);
        int count = session.Detect(picture, width, height, first);
        Assert.InRange(count, 1, 64);
        Assert.Equal(0, Garbage.Of(() => session.Detect(picture, width, height, second)));
        Assert.True(MemoryMarshal.AsBytes<BoxDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<BoxDetection>(second)));
        foreach (var d in first[..count]) Assert.True(d.X1 >= 0 && d.Y1 >= 0 && d.X2 <= width && d.Y2 <= height);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1025)]
    [InlineData(4000, 1)]
    public void AnyImageSizeWorks(int width, int height)
    {
        using var model = new FaceBoxesModel(Device.Cpu, s => new FaceBoxesNet(s, FaceBoxesLayout.Weights()));
        using var session = new FaceBoxesSession(model);
        Assert.InRange(session.Detect(new byte[3 * width * height], width, height, new BoxDetection[8]), 0, 8);
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentNullException>(() => new FaceBoxesSession(null!));
        Assert.Throws<ModelNotInstalledException>(() => FaceBoxesModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }

    private static BoxXywh Box(in BoxDetection d) => BoxXywh.FromCorners(d.X1, d.Y1, d.X2, d.Y2);
}
