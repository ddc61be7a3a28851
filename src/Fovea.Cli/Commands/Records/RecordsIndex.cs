using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea records index</c>: writes index files.</summary>
internal static class RecordsIndex
{
    internal static int Run(CliConsole console, string[] paths)
    {
        using var files = new RecordFiles(console, paths);
        foreach (var path in paths)
        {
            files.Try(path, () =>
            {
                using var file = new TfRecordFile(path);
                var index = TfRecordIndex.Build(file);
                index.Save(TfRecordIndex.PathOf(path));
                console.Out.WriteLine($"{TfRecordIndex.PathOf(path)}: {index.Count} records");
            });
        }
        return files.ExitCode;
    }
}
