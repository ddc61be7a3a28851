using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Tests.Evaluation;

public class DetectionEvaluatorTests
{
    private static readonly BoxXywh Square = new(10, 10, 40, 40);

    /// <summary>Whole pixels and few scores, so that overlaps and scores tie often.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void AgreesWithTheRulesStepByStep(int seed)
    {
        var random = new Random(seed);
        var dataset = Dataset(6, 3, Enumerable.Range(0, 60).Select(_ => new AnnotatedObject(random.Next(6), random.Next(3), RandomBox(random))
        {
            IsCrowd = random.Next(10) == 0,
            IsIgnored = random.Next(10) == 0,
        }));
        ScoredBox[] detections = [.. Enumerable.Range(0, 240).Select(i => new ScoredBox(random.Next(6), random.Next(3),
            i % 2 == 0 ? dataset.Objects[random.Next(60)].Box : RandomBox(random), random.Next(40) == 0 ? double.NaN : random.Next(8) / 8.0))];
        var options = new EvaluationOptions
        {
            Sizes = [SizeRange.All, new("small", SizeMeasure.Area, 0, 100), new("narrow", SizeMeasure.ShorterSide, 8, 16)],
            MaxDetections = [1, 3, 100],
        };
        var result = DetectionEvaluator.Evaluate(dataset, detections, options);
        int measured = 0;
        for (int category = 0; category < 3; category++)
            foreach (double iou in options.IouThresholds)
                foreach (var size in options.Sizes)
                    foreach (int limit in options.MaxDetections)
                    {
                        var (precision, recall) = NaiveCoco.Evaluate(dataset, detections, category, iou, size, limit);
                        Assert.Equal(precision, result.AveragePrecision(iou, size.Name, limit, category), 12);
                        Assert.Equal(recall, result.AverageRecall(iou, size.Name, limit, category), 12);
                        if (precision is > 0 and < 1) measured++;
                    }
        Assert.True(measured > 50, $"only {measured} of 270 numbers are neither 0 nor 1");
    }

    [Fact]
    public void PerfectDetectionsGiveOneAtEveryThresholdAndSize()
    {
        var random = new Random(5);
        var dataset = Dataset(10, 2, Enumerable.Range(0, 80).Select(i => new AnnotatedObject(i % 10, i / 40, RandomBox(random) with { X = 100 * i, Width = 9 })));
        ScoredBox[] detections = [.. dataset.Objects.Select(o => new ScoredBox(o.Image, o.Category, o.Box, random.NextDouble()))];
        var metrics = CocoMetrics.From(DetectionEvaluator.Evaluate(dataset, detections));
        Assert.Equal(1, metrics.Ap, 15);
        Assert.Equal(1, metrics.Ap50, 15);
        Assert.Equal(1, metrics.ApSmall, 15);
        Assert.Equal(1, metrics.Ar100, 15);
        Assert.True(double.IsNaN(metrics.ApLarge));
    }

    [Fact]
    public void EmptySets()
    {
        var objects = Dataset(1, 2, [new AnnotatedObject(0, 0, Square)]);
        Assert.Equal(0, DetectionEvaluator.Evaluate(objects, []).AveragePrecision());
        Assert.Equal(0, DetectionEvaluator.Evaluate(objects, []).AverageRecall());
        // A category without objects is skipped, however many false alarms it has.
        Assert.Equal(0, DetectionEvaluator.Evaluate(objects, [new(0, 1, Square, 1)]).AveragePrecision());
        Assert.Equal(1, DetectionEvaluator.Evaluate(objects, [new(0, 1, Square, 1), new(0, 0, Square, 1)]).AveragePrecision(), 15);
        Assert.True(double.IsNaN(DetectionEvaluator.Evaluate(Dataset(1, 1, []), [new(0, 0, Square, 1)]).AveragePrecision()));
        Assert.True(double.IsNaN(DetectionEvaluator.Evaluate(Dataset(0, 0, []), []).AveragePrecision()));
    }

    [Fact]
    public void ASecondHitOfAnObjectIsAFalseAlarm()
    {
        var dataset = Dataset(1, 1, [new AnnotatedObject(0, 0, Square), new AnnotatedObject(0, 0, Square with { X = 500 })]);
        ScoredBox[] detections = [new(0, 0, Square, 0.9), new(0, 0, Square, 0.8), new(0, 0, Square with { X = 500 }, 0.7)];
        // Hit, miss, hit of two objects.
        Assert.Equal((1 + 2 / 3.0) / 2, DetectionEvaluator.Evaluate(dataset, detections, EvaluationOptions.Voc).AveragePrecision(), 15);
    }

    /// <summary>The second detection overlaps the taken object by 0.9 and the free one by 0.6: COCO gives it the free one, VOC none.</summary>
    [Fact]
    public void VocLooksAtTheBestObjectOnly()
    {
        BoxXywh left = new(0, 0, 100, 10), right = new(30, 0, 100, 10), second = new(5, 0, 100, 10);
        var dataset = Dataset(1, 1, [new AnnotatedObject(0, 0, left), new AnnotatedObject(0, 0, right)]);
        ScoredBox[] detections = [new(0, 0, left, 0.9), new(0, 0, second, 0.8)];
        Assert.Equal(0.5, DetectionEvaluator.Evaluate(dataset, detections, EvaluationOptions.Voc).AverageRecall());
        Assert.Equal(1, DetectionEvaluator.Evaluate(dataset, detections, EvaluationOptions.Voc with { Rule = MatchRule.BestFree }).AverageRecall());
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void CrowdsAndDifficultObjectsForgiveAnyNumberOfDetections(bool crowd, bool ignored)
    {
        var dataset = Dataset(1, 1,
        [
            new AnnotatedObject(0, 0, Square),
            new AnnotatedObject(0, 0, new BoxXywh(200, 200, 100, 100)) { IsCrowd = crowd, IsIgnored = ignored },
        ]);
        // Inside of the region; as a part of it they are small.
        var inside = crowd ? new BoxXywh(210, 210, 10, 10) : new BoxXywh(200, 200, 100, 99);
        ScoredBox[] detections = [new(0, 0, inside, 0.9), new(0, 0, inside, 0.8), new(0, 0, inside, 0.8), new(0, 0, Square, 0.1)];
        foreach (var options in (EvaluationOptions[])[new(), EvaluationOptions.Voc, EvaluationOptions.Faces])
            Assert.Equal(1, DetectionEvaluator.Evaluate(dataset, detections, options).AveragePrecision(), 15);
    }

    [Fact]
    public void RecallByTheSizeOfFaces()
    {
        double[] sides = [10, 20, 20, 50, 200];
        var dataset = Dataset(1, 1, sides.Select((s, i) => new AnnotatedObject(0, 0, new BoxXywh(1000 * i, 0, s, 2 * s))));
        ScoredBox[] detections = [.. new[] { 1, 3, 4 }.Select(i => new ScoredBox(0, 0, dataset.Objects[i].Box, 0.5))];
        var result = DetectionEvaluator.Evaluate(dataset, detections, EvaluationOptions.Faces);
        Assert.Equal([0.6, 0, 0.5, 1, 1], EvaluationOptions.Faces.Sizes.Select(s => result.AverageRecall(size: s.Name)));
    }

    [Fact]
    public void OrderOfEqualScoresOfDifferentImagesIsThatOfTheImages()
    {
        var dataset = Dataset(2, 1, [new AnnotatedObject(0, 0, Square)]);
        ScoredBox hit = new(0, 0, Square, 0.5), miss = new(1, 0, Square, 0.5);
        Assert.Equal(1, DetectionEvaluator.Evaluate(dataset, [hit, miss], EvaluationOptions.Voc).AveragePrecision());
        Assert.Equal(1, DetectionEvaluator.Evaluate(dataset, [miss, hit], EvaluationOptions.Voc).AveragePrecision());
        Assert.Equal(0.5, DetectionEvaluator.Evaluate(dataset, [miss with { Score = 0.6 }, hit], EvaluationOptions.Voc).AveragePrecision());
    }

    [Fact]
    public void Arguments()
    {
        var dataset = Dataset(1, 1, [new AnnotatedObject(0, 0, Square)]);
        Check("detection 0 refers to image 1 of 1", () => DetectionEvaluator.Evaluate(dataset, [new(1, 0, Square, 1)]));
        Check("detection 1 refers to category -1 of 1", () => DetectionEvaluator.Evaluate(dataset, [new(0, 0, Square, 1), new(0, -1, Square, 1)]));
        Check("impossible box", () => DetectionEvaluator.Evaluate(dataset, [new(0, 0, Square with { Width = -1 }, 1)]));
        Check("impossible box", () => DetectionEvaluator.Evaluate(dataset, [new(0, 0, Square with { X = double.NaN }, 1)]));
        Check("overlaps", () => DetectionEvaluator.Evaluate(dataset, [], new EvaluationOptions { IouThresholds = [0] }));
        Check("ascend", () => DetectionEvaluator.Evaluate(dataset, [], new EvaluationOptions { MaxDetections = [10, 1] }));
        Check("no range", () => DetectionEvaluator.Evaluate(dataset, [], new EvaluationOptions { Sizes = [] }));
        Check("overlap 0.52 was not measured", () => DetectionEvaluator.Evaluate(dataset, []).AveragePrecision(iou: 0.52));
        Check("size 'tiny' was not measured", () => DetectionEvaluator.Evaluate(dataset, []).AverageRecall(size: "tiny"));
        Check("limit 7 was not measured", () => DetectionEvaluator.Evaluate(dataset, []).AverageRecall(maxDetections: 7));
        Check("category", () => DetectionEvaluator.Evaluate(dataset, []).AverageRecall(category: 1));
        Check("image 1 occurs twice", () => new AnnotatedDataset([.. dataset.Images, .. dataset.Images], dataset.Categories, []));
        Check("object 0 refers to image 1 of 1", () => new AnnotatedDataset(dataset.Images, dataset.Categories, [new AnnotatedObject(1, 0, Square)]));
        Check("area NaN", () => new AnnotatedDataset(dataset.Images, dataset.Categories, [new AnnotatedObject(0, 0, Square) { Area = double.NaN }]));

        static void Check(string message, Func<object> action) => Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(action).Message);
    }

    private static BoxXywh RandomBox(Random random) => new(random.Next(40), random.Next(40), random.Next(0, 24), random.Next(1, 24));

    private static AnnotatedDataset Dataset(int images, int categories, IEnumerable<AnnotatedObject> objects) => new(
        Enumerable.Range(1, images).Select(i => new AnnotatedImage(i, $"{i}.jpg", 0, 0)),
        Enumerable.Range(1, categories).Select(i => new ObjectCategory(i, $"class {i}")), objects);
}
