using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary>Decides, before anything runs, which file each annotated picture goes to.</summary>
internal static class AnnotatedPaths
{
    /// <summary>One path per image, or null where nothing is written; false with a sentence where <c>--out</c> cannot work.</summary>
    internal static bool TryPlan(IReadOnlyList<string> images, string? output, out string?[] paths, out string problem)
    {
        paths = new string?[images.Count];
        problem = "";
        if (output is null) return true;
        if (output.Length == 0)
        {
            problem = "--out: the path is empty";
            return false;
        }
        if (images.Count == 1 && !Directory.Exists(output))
        {
            if (!ImageFile.CanSave(output)) problem = $"--out: {output} is neither a folder nor a .png, .jpg, .jpeg or .webp file";
            paths[0] = output;
        }
        else
        {
            if (File.Exists(output)) problem = $"--out: {output} is a file; {images.Count} images need a folder";
            var taken = new HashSet<string>(StringComparer.Ordinal);
            for (var i = 0; i < images.Count; i++) paths[i] = Path.Combine(output, UnusedName(images[i], taken));
        }
        var inputs = images.Select(Path.GetFullPath).ToHashSet(StringComparer.Ordinal);
        foreach (var path in paths)
            if (problem.Length == 0 && inputs.Contains(Path.GetFullPath(path!))) problem = $"--out: {path} would overwrite an input image";
        return problem.Length == 0;
    }

    // Inputs of one name from several folders become photo.jpg, photo-2.jpg, ...
    private static string UnusedName(string image, HashSet<string> taken)
    {
        var stem = Path.GetFileNameWithoutExtension(image);
        var extension = ImageFile.CanSave(image) ? Path.GetExtension(image) : ".png";
        var name = stem + extension;
        for (var n = 2; !taken.Add(name); n++) name = $"{stem}-{n}{extension}";
        return name;
    }
}
