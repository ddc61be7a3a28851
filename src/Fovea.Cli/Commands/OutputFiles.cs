namespace Fovea.Cli.Commands;

/// <summary>Files that a run writes at its end.</summary>
internal static class OutputFiles
{
    /// <summary>The first file whose folder does not exist, or null: better said before minutes of measuring than after.</summary>
    internal static string? Impossible(params ReadOnlySpan<string?> paths)
    {
        foreach (var path in paths)
            if (path is not null && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path)))) return path;
        return null;
    }
}
