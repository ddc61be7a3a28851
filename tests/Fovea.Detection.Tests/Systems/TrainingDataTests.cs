using System.Collections.Concurrent;
using Fovea.Data;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;
using Fovea.Training;
using Xunit;

namespace Fovea.Detection.Tests.Systems;

/// <summary>How images get into training: ahead of the steps, in one order, from files.</summary>
public sealed class TrainingDataTests
{
    private const int Size = 32;

    private static readonly DetectorTrainingOptions Options = new() { BatchSize = 2, Steps = 4, Places = 4 };

    [Fact]
    public void LoadingAheadChangesNoBit()
    {
        var scenes = Scenes();
        var slow = new Observed(scenes, index => Thread.Sleep((int)(index % 3) * 2));
        Assert.Equal(Losses(scenes, Options, 4), Losses(slow, Options, 4));
        // Four batches of two were used and at most two more batches prepared, in the order of DataOrder.
        var order = new DataOrder(scenes.Count, Options.Seed);
        var expected = Enumerable.Range(0, slow.Loaded.Count).Select(i => order.At(i / order.Count, i % order.Count));
        Assert.InRange(slow.Loaded.Count, 8, 12);
        Assert.Equal(expected.Order(), slow.Loaded.Order());
    }

    [Fact]
    public void AugmentedRunsResumeWithTheSameBits()
    {
        var options = Options with { Augmentation = new SceneAugmentation { MosaicChance = 0.5 } };
        var whole = Losses(Scenes(), options, 4);
        Assert.NotEqual(Losses(Scenes(), Options, 4), whole);
        string path = Path.Combine(Directory.CreateTempSubdirectory("fovea-train-").FullName, "state.safetensors");
        try
        {
            Assert.Equal(whole[..2], Losses(Scenes(), options, 2, saveTo: path));
            Assert.Equal(whole[2..], Losses(Scenes(), options, 2, resumeFrom: path));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void AnImageThatCannotBeLoadedEndsTheStep()
    {
        var broken = new Observed(Scenes(), index => throw new InvalidDataException($"image {index}"));
        Assert.StartsWith("image ", Assert.Throws<InvalidDataException>(() => Losses(broken, Options, 1)).Message);
    }

    [Fact]
    public void AnnotatedFilesComeInTheDetectorsSize()
    {
        var folder = Directory.CreateTempSubdirectory("fovea-images-").FullName;
        try
        {
            var image = new RgbImage(40, 20);
            image.Pixels.Span[..(3 * 40 * 10)].Fill(200); // upper half
            ImageFile.Save(Path.Combine(folder, "a.png"), image);
            var dataset = new AnnotatedDataset([new AnnotatedImage(7, "a.png", 40, 20)], [new ObjectCategory(3, "cat"), new ObjectCategory(5, "dog")],
            [
                new AnnotatedObject(0, 1, new BoxXywh(10, 0, 20, 10)),
                new AnnotatedObject(0, 0, new BoxXywh(-4, 4, 10, 30)),
                new AnnotatedObject(0, 0, new BoxXywh(0, 0, 5, 5)) { IsIgnored = true },
                new AnnotatedObject(0, 0, new BoxXywh(0, 0, 5, 5)) { IsCrowd = true },
                new AnnotatedObject(0, 0, new BoxXywh(45, 0, 5, 5)),
            ]);
            var boxed = new AnnotatedImages(dataset, folder, Size);
            Assert.Equal((1L, "cat, dog"), (boxed.Count, string.Join(", ", boxed.ClassNames)));
            var loaded = boxed.Load(0);
            Assert.Equal((Size, Size), (loaded.Image.Width, loaded.Image.Height));
            // Scale 0.8: 32 x 16 pixels, 8 rows of grey above and below.
            Assert.Equal([new LabelledObject(1, 8, 8, 24, 16), new LabelledObject(0, 0, 11.2f, 4.8f, 24)], loaded.Objects);
            int Red(int y) => loaded.Image.Pixels.Span[3 * (y * Size + 5)];
            Assert.Equal([114, 200, 200, 0, 114], new[] { 7, 8, 14, 20, 24 }.Select(Red));
            var stretched = new AnnotatedImages(dataset, folder, Size, stretches: true).Load(0);
            Assert.Equal(new LabelledObject(1, 8, 0, 24, 16), stretched.Objects[0]);
            File.Delete(Path.Combine(folder, "a.png"));
            Assert.ThrowsAny<IOException>(() => boxed.Load(0));
            Assert.Throws<ArgumentOutOfRangeException>(() => boxed.Load(1));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static SceneGenerator Scenes() => new(new SceneOptions { Width = Size, Height = Size, MinSize = 8, MaxSize = 20 }, seed: 2, count: 6);

    private static float[] Losses(ILabelledImages images, DetectorTrainingOptions options, int steps, string? saveTo = null, string? resumeFrom = null)
    {
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { MaxThreads = 1 });
        using var system = FcosSystem.Small(new Initializer(stream, 1), Size, images.ClassNames.Count);
        using var trainer = new DetectorTrainer(stream, system, images, options);
        if (resumeFrom is not null) trainer.Resume(resumeFrom);
        float[] losses = [.. Enumerable.Range(0, steps).Select(_ => (float)trainer.Train().Loss)];
        if (saveTo is not null) trainer.Save(saveTo);
        return losses;
    }

    private sealed class Observed(ILabelledImages images, Action<long> beforeLoad) : ILabelledImages
    {
        internal ConcurrentQueue<long> Loaded { get; } = [];

        public long Count => images.Count;

        public IReadOnlyList<string> ClassNames => images.ClassNames;

        public LabelledImage Load(long index)
        {
            Loaded.Enqueue(index);
            beforeLoad(index);
            return images.Load(index);
        }
    }
}
