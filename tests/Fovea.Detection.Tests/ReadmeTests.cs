using System.Runtime.CompilerServices;
using Fovea.Data;

namespace Fovea.Detection.Tests;

/// <summary>The example of the README, compiled and run; the text of both must be the same.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void TheExampleRuns()
    {
        string photoPath = Path.Combine(new ModelStore().Folder, "images", "sample6.jpg");
        Assert.SkipUnless(File.Exists(photoPath), "photo sample6.jpg is not installed; run ./build/models.sh");
        string folder = Directory.CreateTempSubdirectory("fovea-readme-").FullName;
        string before = Directory.GetCurrentDirectory();
        File.Copy(photoPath, Path.Combine(folder, "photo.jpg"));
        Directory.SetCurrentDirectory(folder);
        try
        {
            Assert.True(Example() > 0);
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void TheReadmeShowsExactlyThisExample() =>
        Assert.Contains(ExampleText(), File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "README.md")), StringComparison.Ordinal);

    private static int Example()
    {
        // begin
        using var model = MtcnnModel.Load(Device.Cpu, new ModelStore());
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 20 });

        var photo = ImageFile.LoadRgb("photo.jpg");
        session.WarmUp(photo.Width, photo.Height);

        var faces = new FaceDetection[64];
        int count = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, faces);
        foreach (var face in faces.AsSpan(0, count))
            Console.WriteLine($"{face.Score:P0} at ({face.X1:F0}, {face.Y1:F0}), nose at {face.Landmarks[2]}");
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
