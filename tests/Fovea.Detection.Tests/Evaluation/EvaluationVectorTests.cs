using System.Globalization;
using System.Text.Json;
using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Tests.Evaluation;

/// <summary>Numbers published by the COCO tool and by independent implementations.</summary>
public class EvaluationVectorTests
{
    private const string CocoNames = "AP AP50 AP75 APsmall APmedium APlarge AR1 AR10 AR100 ARsmall ARmedium ARlarge";

    /// <summary>100 images of COCO val2014 with the results that ship with the official tool, through the readers.</summary>
    [Fact]
    public void TwelveNumbersOfCocoToSixDigits()
    {
        using var json = JsonDocument.Parse(SharedData.Vectors("coco_val2014_100.json"));
        var truth = json.RootElement.GetProperty("ground_truth");
        var found = json.RootElement.GetProperty("detections");
        var dataset = Read(Wrap(truth, found));
        using var results = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(found.GetRawText()));
        var detections = CocoJson.ReadDetections(results, "results", dataset);
        Assert.Equal((830, 734), (dataset.Objects.Count, detections.Length));

        var metrics = CocoMetrics.From(DetectionEvaluator.Evaluate(dataset, detections));
        CheckCoco(json.RootElement.GetProperty("expected"), metrics, 1e-6);
    }

    [Fact]
    public void OneBoxOfTorchmetrics()
    {
        var vector = Case("tm_doc_one_box");
        var image = vector.GetProperty("images")[0];
        var dataset = Dataset(1, [new AnnotatedObject(0, 0, Corners(image.GetProperty("gt_boxes_xyxy")[0]))]);
        var box = new ScoredBox(0, 0, Corners(image.GetProperty("pred_boxes_xyxy")[0]), image.GetProperty("pred_scores")[0].GetDouble());
        CheckCoco(vector.GetProperty("expected"), CocoMetrics.From(DetectionEvaluator.Evaluate(dataset, [box])), 1e-12);
    }

    [Fact]
    public void BoxFormatsOfTorchmetrics()
    {
        var vector = Case("tm_box_formats");
        double[] p = Numbers(vector.GetProperty("pred")), g = Numbers(vector.GetProperty("gt"));
        Check("xyxy", BoxXywh.FromCorners(p[0], p[1], p[2], p[3]), BoxXywh.FromCorners(g[0], g[1], g[2], g[3]));
        Check("xywh", new BoxXywh(p[0], p[1], p[2], p[3]), new BoxXywh(g[0], g[1], g[2], g[3]));
        Check("cxcywh", new BoxXywh(p[0] - p[2] / 2, p[1] - p[3] / 2, p[2], p[3]), new BoxXywh(g[0] - g[2] / 2, g[1] - g[3] / 2, g[2], g[3]));

        void Check(string format, BoxXywh found, BoxXywh truth)
        {
            var expected = vector.GetProperty("expected").GetProperty(format);
            // The file has three digits.
            Assert.Equal(expected.GetProperty("iou").GetDouble(), found.Iou(truth), 3);
            var result = DetectionEvaluator.Evaluate(Dataset(1, [new AnnotatedObject(0, 0, truth)]), [new ScoredBox(0, 0, found, 0.5)],
                new EvaluationOptions { IouThresholds = [0.2] });
            Assert.Equal(expected.GetProperty("map").GetDouble(), result.AveragePrecision(), 12);
        }
    }

    [Theory]
    [InlineData("expected_11_point", ApInterpolation.ElevenPoints)]
    [InlineData("expected_every_point", ApInterpolation.EveryPoint)]
    public void SevenImagesByVocRules(string expected, ApInterpolation interpolation)
    {
        var vector = Case("voc_toy");
        var images = vector.GetProperty("images").EnumerateArray().ToArray();
        var objects = images.SelectMany((image, i) => image.GetProperty("gt").EnumerateArray().Select(o => new AnnotatedObject(i, 0, Xywh(o, 1))));
        ScoredBox[] boxes = [.. images.SelectMany((image, i) => image.GetProperty("det").EnumerateArray().Select(d => new ScoredBox(i, 0, Xywh(d, 2), d[1].GetDouble())))];
        var dataset = Dataset(images.Length, objects);
        foreach (var point in vector.GetProperty(expected).EnumerateObject())
        {
            var options = EvaluationOptions.Voc with
            {
                IouThresholds = [double.Parse(point.Name, CultureInfo.InvariantCulture)],
                Interpolation = interpolation,
                PlusOne = true,
            };
            Assert.Equal(point.Value.GetDouble(), DetectionEvaluator.Evaluate(dataset, boxes, options).AveragePrecision(), 9);
        }
    }

    private static void CheckCoco(JsonElement expected, CocoMetrics metrics, double tolerance)
    {
        double[] values =
        [
            metrics.Ap, metrics.Ap50, metrics.Ap75, metrics.ApSmall, metrics.ApMedium, metrics.ApLarge,
            metrics.Ar1, metrics.Ar10, metrics.Ar100, metrics.ArSmall, metrics.ArMedium, metrics.ArLarge,
        ];
        int compared = 0;
        foreach (var (name, value) in CocoNames.Split(' ').Zip(values))
        {
            if (!expected.TryGetProperty(name, out var number)) continue;
            compared++;
            if (number.GetDouble() < 0) Assert.True(double.IsNaN(value), name);
            else Assert.True(Math.Abs(number.GetDouble() - value) <= tolerance, $"{name}: {value}, expected {number}");
        }
        Assert.InRange(compared, 9, 12);
    }

    // The archive lists annotations alone; the rest of a COCO file follows from them.
    private static byte[] Wrap(JsonElement truth, JsonElement found)
    {
        string Ids(string member) => string.Join(',', truth.EnumerateArray().Concat(found.EnumerateArray())
            .Select(a => a.GetProperty(member).GetInt64()).Distinct().Select(id => $$"""{"id":{{id}},"name":"{{id}}"}"""));
        return System.Text.Encoding.UTF8.GetBytes(
            $$"""{"annotations":{{truth.GetRawText()}},"images":[{{Ids("image_id")}}],"categories":[{{Ids("category_id")}}]}""");
    }

    private static AnnotatedDataset Read(byte[] json)
    {
        using var stream = new MemoryStream(json);
        return CocoJson.ReadDataset(stream, "instances");
    }

    private static AnnotatedDataset Dataset(int images, IEnumerable<AnnotatedObject> objects) =>
        new(Enumerable.Range(1, images).Select(i => new AnnotatedImage(i, $"{i}.jpg", 0, 0)), [new ObjectCategory(1, "object")], objects);

    private static JsonElement Case(string name)
    {
        using var json = JsonDocument.Parse(SharedData.Vectors("detection_ap.json"));
        return json.RootElement.EnumerateArray().Single(c => c.GetProperty("name").GetString() == name).Clone();
    }

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(v => v.GetDouble())];

    private static BoxXywh Corners(JsonElement b) => BoxXywh.FromCorners(b[0].GetDouble(), b[1].GetDouble(), b[2].GetDouble(), b[3].GetDouble());

    private static BoxXywh Xywh(JsonElement row, int first) =>
        new(row[first].GetDouble(), row[first + 1].GetDouble(), row[first + 2].GetDouble(), row[first + 3].GetDouble());
}
