using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Xunit;

namespace Fovea.Tests;

/// <summary>Rules that only the source tree can break.</summary>
public sealed class ArchitectureTests
{
    private const int LargestFile = 800;

    /// <summary>From the bottom up. A project refers only to projects below it; siblings on one level do not know each other.</summary>
    private static readonly string[][] Levels =
    [
        ["Fovea.Interop"],
        ["Fovea"],
        ["Fovea.Data", "Fovea.Onnx"],
        ["Fovea.Training"],
        ["Fovea.Models"],
        ["Fovea.Detection"],
        ["Fovea.Hosting", "Fovea.Bench"],
        ["Fovea.Orleans", "Fovea.Cli"],
    ];

    /// <summary>Hand-written code: generated bindings and build output do not count.</summary>
    private static readonly string[] Skipped = ["Generated", "bin", "obj", "artifacts", ".git"];

    [Fact]
    public void ProjectReferencesGoOneWay()
    {
        var wrong = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var project = Path.GetFileNameWithoutExtension(file);
            var level = LevelOf(project);
            if (level < 0) wrong.Add($"{project} has no place in the list of levels");
            foreach (var reference in References(file))
            {
                var below = LevelOf(reference);
                if (below < 0 || below >= level) wrong.Add($"{project} refers to {reference}, which is not below it");
            }
        }
        Assert.Equal([], wrong);
    }

    [Fact]
    public void ProductsDoNotReferToTestsOrBenchmarks()
    {
        var wrong =
            from file in Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories)
            from path in XDocument.Load(file).Descendants("ProjectReference").Select(r => (string?)r.Attribute("Include") ?? "")
            where path.Contains("tests", StringComparison.Ordinal) || path.Contains("benchmarks", StringComparison.Ordinal)
            select $"{file}: {path}";
        Assert.Equal([], wrong);
    }

    [Fact]
    public void NoFileIsTooLarge()
    {
        var wrong =
            from file in Sources()
            let lines = File.ReadLines(file).Count()
            where lines > LargestFile
            select $"{Path.GetRelativePath(Root(), file)} has {lines} lines, allowed are {LargestFile}";
        Assert.Equal([], wrong);
    }

    [Fact]
    public void OnePublicTypePerFile()
    {
        var wrong =
            from file in Sources()
            where file.StartsWith(Path.Combine(Root(), "src"), StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal)
            let types = File.ReadLines(file).Count(IsPublicType)
            where types > 1
            select $"{Path.GetRelativePath(Root(), file)} declares {types} public types";
        Assert.Equal([], wrong);
    }

    private static bool IsPublicType(string line) =>
        line.StartsWith("public ", StringComparison.Ordinal) && line.Split(' ') is var words &&
        (words.Contains("class") || words.Contains("struct") || words.Contains("enum") || words.Contains("interface") || words.Contains("record"));

    private static IEnumerable<string> Sources() =>
        from folder in (string[])["src", "native", "tests", "benchmarks", "build"]
        let path = Path.Combine(Root(), folder)
        where Directory.Exists(path)
        from file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
        where Path.GetExtension(file) is ".cs" or ".cc" or ".h" or ".inc" or ".cu" or ".c" or ".sh"
        where !Path.GetRelativePath(Root(), file).Split(Path.DirectorySeparatorChar).Any(Skipped.Contains)
        select file;

    private static int LevelOf(string project) => Array.FindIndex(Levels, level => level.Contains(project));

    private static IEnumerable<string> References(string file) =>
        XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(((string?)r.Attribute("Include") ?? "").Replace('\\', '/')));

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
