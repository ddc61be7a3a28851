using System.Text;
using Fovea.Data;
using Fovea.Models.Ssd;
using static Fovea.Detection.Tests.OracleTensors;

namespace Fovea.Detection.Tests.Ssd;

/// <summary>Outputs against those of TFLite with the same weights.</summary>
public sealed class SsdOracleTests
{
    /// <summary>TFLite and another runtime differ by 5e-5 on logits up to 81, that is by 6e-7 of the largest; sums of another order over 60
    /// layers may be a few times as far away.</summary>
    private const float Tolerance = 5e-6f;

    [Fact]
    public void NetworkMatches()
    {
        string oracle = SharedData.Oracle("ssd_oidv4/dog");
        using var stream = Device.Cpu.CreateStream();
        using var net = SsdMobileNetV2.Load(stream, SharedData.Installed("ssd-mobilenetv2"));
        using var x = DeviceTensor.From(stream, Load(oracle, "input_1x300x300x3").Floats, 1, 300, 300, 3);
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, SsdMobileNetV2.Anchors, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, SsdMobileNetV2.Anchors, SsdMobileNetV2.Scores);
        net.Forward(stream, x, boxes, scores);
        AssertWithinShare(Tolerance, Load(oracle, "class_predictions").Floats, scores.ToArray<float>(stream));
        float[] expected = Load(oracle, "box_encodings").Floats.ToArray();
        // The file has y x h w.
        for (int i = 0; i < expected.Length; i += 2) (expected[i], expected[i + 1]) = (expected[i + 1], expected[i]);
        AssertWithinShare(Tolerance, expected, boxes.ToArray<float>(stream));
    }

    /// <summary>What the reference formula makes of TFLite's output is what a session finds. The picture is the oracle's input in whole
    /// levels, so values may be off by half a level.</summary>
    [Fact]
    public void SessionFindsTheSameObjects()
    {
        string oracle = SharedData.Oracle("ssd_oidv4/dog");
        var store = SharedData.Installed("ssd-mobilenetv2");
        var expected = Decode(Load(oracle, "box_encodings").Floats, Load(oracle, "class_predictions").Floats);
        Assert.Equal(["Bicycle", "Car", "Dog"], expected.Select(e => SsdModel.ClassNames[e.Class]).Order(StringComparer.Ordinal));
        using var model = SsdModel.Load(Device.Cpu, store);
        using var session = new SsdSession(model);
        byte[] picture = Array.ConvertAll(
            Load(oracle, "input_1x300x300x3").Floats.ToArray(), v => (byte)Math.Clamp(MathF.Round((v + 1) * 127.5f), 0, 255));
        var found = new ObjectDetection[16];
        int count = session.Detect(picture, 300, 300, found);
        Assert.Equal(expected.Count, count);
        for (int i = 0; i < count; i++)
        {
            var best = expected.Where(e => e.Class == found[i].Class).MaxBy(e => Iou(e, found[i]));
            Assert.True(Iou(best, found[i]) >= 0.95, $"{SsdModel.ClassNames[found[i].Class]}: overlap {Iou(best, found[i])}");
            Assert.Equal(best.Score, found[i].Score, 0.03f);
        }
    }

    [Fact]
    public void NamesAreThoseOfTheFile()
    {
        byte[] file = SharedData.Installed("ssd-mobilenetv2").Read("ssd-mobilenetv2", "packed_assets.data");
        string labels = Encoding.UTF8.GetString(file, 0, SsdMobileNetV2.LabelBytes);
        Assert.Equal(["???", .. SsdMobileNetV2.ClassNames], labels.TrimEnd('\n').Split('\n'));
        Assert.Equal(SsdMobileNetV2.Scores, SsdMobileNetV2.ClassNames.Length + 1);
    }

    // The published formula in double, one anchor and class at a time, then greedy suppression within each class.
    private static List<ObjectDetection> Decode(ReadOnlySpan<float> encodings, ReadOnlySpan<float> logits)
    {
        float[] anchors = SsdMobileNetV2.AnchorBoxes();
        var candidates = new List<ObjectDetection>();
        for (int a = 0; a < SsdMobileNetV2.Anchors; a++)
        {
            double width = anchors[4 * a + 2] - anchors[4 * a], height = anchors[4 * a + 3] - anchors[4 * a + 1];
            double x = anchors[4 * a] + width / 2 + encodings[4 * a + 1] / 10 * width;
            double y = anchors[4 * a + 1] + height / 2 + encodings[4 * a] / 10 * height;
            width *= Math.Exp(encodings[4 * a + 3] / 5) / 2;
            height *= Math.Exp(encodings[4 * a + 2] / 5) / 2;
            for (int c = 1; c < SsdMobileNetV2.Scores; c++)
            {
                double score = 1 / (1 + Math.Exp(-logits[a * SsdMobileNetV2.Scores + c]));
                if (score <= 0.5) continue;
                candidates.Add(new ObjectDetection
                {
                    X1 = (float)(300 * (x - width)),
                    Y1 = (float)(300 * (y - height)),
                    X2 = (float)(300 * (x + width)),
                    Y2 = (float)(300 * (y + height)),
                    Score = (float)score,
                    Class = c - 1,
                });
            }
        }

        var kept = new List<ObjectDetection>();
        foreach (var candidate in candidates.OrderByDescending(c => c.Score))
            if (!kept.Any(k => k.Class == candidate.Class && Iou(k, candidate) > 0.5)) kept.Add(candidate);
        return kept;
    }

    private static double Iou(ObjectDetection a, ObjectDetection b)
    {
        double width = Math.Max(0, Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1)), height = Math.Max(0, Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1));
        double both = width * height;
        return both / ((a.X2 - a.X1) * (a.Y2 - a.Y1) + (b.X2 - b.X1) * (b.Y2 - b.Y1) - both);
    }
}
