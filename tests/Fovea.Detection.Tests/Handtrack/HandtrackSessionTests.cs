using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Models.Handtrack;

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
            var expected = BoxXywh.FromCorners(boxes[4 * best + 1] * 320, boxes[4 * best] * 320, boxes[4 * best + 3] * 320, boxes[4 * best + 2] * 320);
            Assert.True(BoxXywh.FromCorners(first.X1, first.Y1, first.X2, first.Y2).Iou(expected) > 0.999);
            compared++;
        }

        Assert.True(compared > 0, "no class has a score above the threshold");
    }

    [Fact]
    public void GeneratedWeightsMakeTheSamePipelineEverywhere()
    {
        var weights = HandtrackLayout.Weights();
        // Without the anchors.
        Assert.Equal(2_869_320, weights.Tensors.Sum(t => t.ElementCount) - 4 * 12804);
        Assert.Equal(12804, HandtrackNet.AnchorCount);
        using var model = new HandtrackModel(Device.Cpu, s => new HandtrackNet(s, weights));
        using var session = new HandtrackSession(model, new HandtrackOptions { Threshold = 0 });
        const int width = 70, height = 110;
        byte[] picture = GeneratedTfjs.Picture(width, height);
        session.WarmUp(width, height);
        var (first, second) = (new ObjectDetection[64], new ObjectDetection[64]);
        int count = session.Detect(picture, width, height, first);
        Assert.InRange(count, 1, 64);
        long before = GC.GetAllocatedBytesForCurrentThread();
        session.Detect(picture, width, height, second);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(MemoryMarshal.AsBytes<ObjectDetection>(first).SequenceEqual(MemoryMarshal.AsBytes<ObjectDetection>(second)));
        foreach (var d in first[..count]) Assert.InRange(d.Class, 0, HandtrackModel.ClassNames.Length - 1);
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentNullException>(() => new HandtrackSession(null!));
        Assert.Throws<ModelNotInstalledException>(() => HandtrackModel.Load(Device.Cpu, new ModelStore("/nonexistent")));
    }
}
