using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class DetectorTrainerTests : IDisposable
{
    private static readonly SceneGenerator Scenes = new(new SceneOptions { Width = 32, Height = 32, MaxObjects = 2, MaxSize = 24 }, seed: 3, count: 6);

    private static readonly DetectorTrainingOptions Options = new()
    {
        BatchSize = 4,
        MicroBatches = 2,
        Steps = 6,
        AverageDecay = 0.9f,
        Places = 4,
        Seed = 5,
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fovea-trainer-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void ARunThatWasStoppedEndsWithTheSameBits()
    {
        using (var whole = new Run(Options)) whole.Train(6).Save(InFolder("whole"));
        using (var half = new Run(Options)) half.Train(3).Save(InFolder("half"));
        using (var rest = new Run(Options))
        {
            rest.Trainer.Resume(InFolder("half"));
            Assert.Equal(3, rest.Trainer.Step);
            rest.Train(3).Save(InFolder("rest"));
        }
        Assert.Equal(File.ReadAllBytes(InFolder("whole")), File.ReadAllBytes(InFolder("rest")));
        Assert.NotEqual(File.ReadAllBytes(InFolder("whole")), File.ReadAllBytes(InFolder("half")));
    }

    [Fact]
    public void ABudgetIsKeptAndChangesNoBit()
    {
        var options = Options with { MicroBatches = 1 };
        var scenes = new SceneGenerator(new SceneOptions { Width = 96, Height = 96 }, seed: 3, count: 4);
        using var plain = new Run(options with { ActivationBytes = long.MaxValue / 2 }, scenes);
        Assert.Equal(0, plain.Trainer.RecomputedSteps);
        var budget = plain.Trainer.Forecast!.Value.PeakBytes * 3 / 4;
        using var planned = new Run(options with { ActivationBytes = budget }, scenes);
        Assert.True(planned.Trainer.RecomputedSteps > 0);
        Assert.InRange(planned.Trainer.Forecast!.Value.PeakBytes, 1, budget);

        var (peaks, inUse) = (new long[2], planned.Stream.Pool.Statistics.InUseBytes);
        plain.Train(2).Save(InFolder("plain"));
        peaks[0] = plain.Last.PeakBytes;
        planned.Train(2).Save(InFolder("planned"));
        peaks[1] = planned.Last.PeakBytes;
        Assert.Equal(File.ReadAllBytes(InFolder("plain")), File.ReadAllBytes(InFolder("planned")));
        Assert.InRange(peaks[1] - inUse, 1, budget);
        Assert.True(peaks[1] < peaks[0]);

        var refused = Assert.Throws<ArgumentException>(() => new Run(options with { ActivationBytes = 1000 }, scenes));
        Assert.Contains("1,000 bytes", refused.Message, StringComparison.Ordinal);
    }

    // Both add the same numbers, in another order: a rounding of 2^-24 of the sum per term.
    [Fact]
    public void PartsAddUpToTheLoss()
    {
        using var run = new Run(Options);
        run.Train(2);
        Assert.Equal(run.Trainer.PartNames.Count(), run.Trainer.Parts.Length);
        Assert.Equal(run.Last.Loss, run.Trainer.Parts.ToArray().Sum(), 1e-6f * run.Last.Loss);
    }

    [Fact]
    public void DetectionUsesTheAverages()
    {
        using var run = new Run(Options);
        var parameter = run.System.Parameters.First();
        float First() => parameter.Value.ToArray<float>(run.Stream)[0];
        run.Train(6);
        var last = First();
        using (run.Trainer.UseAverages()) Assert.NotEqual(last, First());
        Assert.Equal(last, First());
        using var without = new Run(Options with { AverageDecay = 0 });
        without.Train(6);
        using (without.Trainer.UseAverages()) Assert.Equal(last, without.System.Parameters.First().Value.ToArray<float>(without.Stream)[0]);
    }

    [Fact]
    public void RunsOfOtherDataAreRefused()
    {
        using (var run = new Run(Options)) run.Train(1).Save(InFolder("state"));
        using var seed = new Run(Options with { Seed = 6 });
        Assert.Contains("seed 5, not 6", Assert.Throws<SafetensorsException>(() => seed.Trainer.Resume(InFolder("state"))).Message, StringComparison.Ordinal);
        using var fewer = new Run(Options, new LabelledRange(Scenes, 1, 5));
        Assert.Contains("6 images", Assert.Throws<SafetensorsException>(() => fewer.Trainer.Resume(InFolder("state"))).Message, StringComparison.Ordinal);
        using var noAverage = new Run(Options with { AverageDecay = 0 });
        Assert.Throws<SafetensorsException>(() => noAverage.Trainer.Resume(InFolder("state")));
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentException>(() => new Run(Options with { MicroBatches = 3 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Run(Options with { AverageDecay = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Run(Options with { Places = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LabelledRange(Scenes, 4, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LabelledRange(Scenes, 4, 2).Load(2));
        Assert.Equal(Scenes.Load(4).Image.Pixels.ToArray(), new LabelledRange(Scenes, 4, 2).Load(0).Image.Pixels.ToArray());
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>A small FCOS in training.</summary>
    private sealed class Run : IDisposable
    {
        public Run(DetectorTrainingOptions options, ILabelledImages? images = null)
        {
            images ??= Scenes;
            Stream = Device.Cpu.CreateStream();
            System = DetectionSystems.Create("fcos", new Initializer(Stream, 1), images.Load(0).Image.Width, images.ClassNames.Count);
            Trainer = new DetectorTrainer(Stream, System, images, options);
        }

        public DeviceStream Stream { get; }

        public DetectionSystem System { get; }

        public DetectorTrainer Trainer { get; }

        public StepStatistics Last { get; private set; }

        public Run Train(int steps)
        {
            for (var i = 0; i < steps; i++) Last = Trainer.Train();
            return this;
        }

        public void Save(string path) => Trainer.Save(path);

        public void Dispose()
        {
            Trainer.Dispose();
            System.Dispose();
            Stream.Dispose();
        }
    }
}
