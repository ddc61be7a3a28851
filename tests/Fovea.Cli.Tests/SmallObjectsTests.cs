using Fovea.Cli.Experiments.SmallObjects;
using Fovea.Cli.Experiments.SppLength;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Training;
using Xunit;

namespace Fovea.Cli.Tests;

/// <summary>The parts of the experiments small-objects and spp-length that need no training.</summary>
public sealed class SmallObjectsTests
{
    [Fact]
    public void EachScaleAnswersForItsOctave()
    {
        BoxDetections At(params (double Side, float Score)[] boxes) => new([.. boxes.Select((b, i) => new ScoredBox(0, 0, new BoxXywh(100 * i, 0, b.Side, b.Side), b.Score))]);
        // With objects of at most 40 pixels in training: 16 to 50 pixels after enlargement, the first and last scale open to one side.
        var merged = BoxDetections.Merge([(1, At((15, 0.9f), (16, 0.8f), (90, 0.7f))), (2, At((7, 0.9f), (8.5, 0.6f), (26, 0.9f))), (4, At((2, 0.5f), (13, 0.9f)))], 40);
        Assert.Equal([90, 16, 8.5, 2], merged.Boxes.OrderByDescending(b => b.Box.Width).Select(b => b.Box.Width));
    }

    [Fact]
    public void OfOverlappingScalesTheBestBoxStays()
    {
        var box = new BoxXywh(10, 10, 20, 20);
        BoxDetections One(int image, int category, double shift, float score) => new([new ScoredBox(image, category, box with { X = 10 + shift }, score)]);
        var merged = BoxDetections.Merge([(1, One(0, 0, 0, 0.5f)), (2, One(0, 0, 3, 0.8f))], 40);
        Assert.Equal(0.8f, Assert.Single(merged.Boxes).Score);
        Assert.Equal(2, BoxDetections.Merge([(1, One(0, 0, 0, 0.5f)), (2, One(0, 1, 3, 0.8f))], 40).Boxes.Count);
        Assert.Equal(2, BoxDetections.Merge([(1, One(0, 0, 0, 0.5f)), (2, One(1, 0, 3, 0.8f))], 40).Boxes.Count);
        Assert.Equal(2, BoxDetections.Merge([(1, One(0, 0, 0, 0.5f)), (2, One(0, 0, 15, 0.8f))], 40).Boxes.Count);
    }

    [Fact]
    public void AnObjectIsFoundOnceByABoxOfItsClass()
    {
        var image = new LabelledImage(new RgbImage(64, 64), [new LabelledObject(0, 0, 0, 10, 10), new LabelledObject(0, 1, 0, 11, 10), new LabelledObject(1, 40, 40, 50, 50)]);
        var detections = new BoxDetections(
        [
            new ScoredBox(0, 0, new BoxXywh(0, 0, 10, 10), 0.9f),
            new ScoredBox(0, 0, new BoxXywh(0, 0, 10, 9), 0.8f),
            new ScoredBox(0, 0, new BoxXywh(40, 40, 10, 10), 0.7f),
            new ScoredBox(0, 1, new BoxXywh(40, 40, 10, 4), 0.6f),
        ]);
        Assert.Equal([true, true, false], detections.Finds([image], 4)[0]);
        Assert.Equal([true, false, false], detections.Finds([image], 1)[0]);
    }

    [Fact]
    public void BinsMakeOneLengthOfAnySizeAndAFlatMapDoesNot()
    {
        using var stream = Device.Cpu.CreateStream();
        using var bins = new CropClassifier(new Initializer(stream, 1), Crops.Classes, flatSize: null);
        using var flat = new CropClassifier(new Initializer(stream, 1), Crops.Classes, flatSize: 48);
        foreach (var size in (int[])[32, 48, 57])
        {
            using var program = new SizedProgram(stream, bins, size, seed: 1, trains: false);
            Assert.Equal((1008L, 1008), (program.FeatureLength, bins.FeatureLength));
            Assert.InRange(program.Accuracy(1), 0, 1);
        }
        using (var program = new SizedProgram(stream, flat, 48, seed: 1, trains: true)) Assert.Equal(1728, program.FeatureLength);
        Assert.Throws<ArgumentException>(() => new SizedProgram(stream, flat, 56, seed: 1, trains: true));
    }
}
