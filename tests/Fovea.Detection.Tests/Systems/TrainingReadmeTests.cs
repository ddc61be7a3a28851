using System.Runtime.CompilerServices;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

/// <summary>The example of training in the README, compiled and run; the text of both must be the same.</summary>
public sealed class TrainingReadmeTests
{
    [Fact]
    public void TheExampleRuns()
    {
        var folder = Directory.CreateTempSubdirectory("fovea-readme-").FullName;
        var file = Path.Combine(folder, "shapes.safetensors");
        Assert.InRange(Example(file, steps: 2), 0, 100);
        Assert.True(File.Exists(file));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void TheReadmeShowsExactlyThisExample() =>
        Assert.Contains(ExampleText(), File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "README.md")), StringComparison.Ordinal);

    private static int Example(string file, int steps)
    {
        // begin
        using var stream = Device.Cpu.CreateStream();
        var scenes = new SceneGenerator(new SceneOptions { Width = 96, Height = 96 }, seed: 1, count: 1000);
        using var fcos = DetectionSystems.Create("fcos", new Initializer(stream, seed: 1), imageSize: 96, scenes.ClassNames.Count);
        using var trainer = new DetectorTrainer(stream, fcos, scenes, DetectionSystems.Options("fcos") with { Steps = steps });
        while (trainer.Step < steps) Console.WriteLine(trainer.Train().Loss);
        TrainedDetector.Save(stream, file, "fcos", fcos, scenes.ClassNames);

        using var trained = TrainedDetector.Load(Device.Cpu, file); // here or in another process
        using var session = new TrainedDetectorSession(trained);
        var image = scenes.Load(7).Image;
        var found = new ObjectDetection[100];
        int count = session.Detect(image.Pixels.Span, image.Width, image.Height, found);
        // end
        return count;
    }

    private static string ExampleText([CallerFilePath] string file = "")
    {
        string[] lines = File.ReadAllLines(file);
        int begin = Array.FindIndex(lines, l => l.Trim() == "// begin"), end = Array.FindIndex(lines, l => l.Trim() == "// end");
        return string.Join('\n', lines[(begin + 1)..end].Select(l => l.Length == 0 ? l : l[8..]));
    }
}
