using Fovea.Cli.Output;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary>Goes over TFRecord files one by one with progress by their bytes. A bad file is reported, and the next one
/// follows.</summary>
internal sealed class RecordFiles : IDisposable
{
    private const long MB = 1_000_000;

    private readonly CliConsole _console;
    private readonly ProgressReport _progress;
    private long _before;

    internal RecordFiles(CliConsole console, IReadOnlyCollection<string> paths)
    {
        _console = console;
        var total = paths.Select(path => new FileInfo(path)).Where(file => file.Exists).Sum(file => file.Length);
        // Some seconds of a slow disk.
        _progress = ProgressReport.Start(console, total / MB, "MB", least: 1000);
    }

    internal int Failures { get; private set; }

    internal int ExitCode => Failures == 0 ? Cli.ExitCode.Ok : Cli.ExitCode.SomeFileFailed;

    /// <summary>Whether <paramref name="work"/> went well with a file; what it must not survive is let through.</summary>
    internal bool Try(string path, Action work)
    {
        try
        {
            work();
            return true;
        }
        catch (Exception e) when (e is TfRecordException or ExampleException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Failures++;
            // Our own messages start with the file; those of the system may not.
            _console.Fail(e.Message.StartsWith(path, StringComparison.Ordinal) ? e.Message : $"{path}: {e.Message}");
            return false;
        }
    }

    /// <summary>Calls <paramref name="visit"/> after each record that is read, until it returns false.</summary>
    internal void Read(string path, TfRecordReaderOptions options, Func<TfRecordReader, bool> visit)
    {
        var length = new FileInfo(path).Length;
        using var reader = TfRecordReader.Open(path, options);
        // Of a compressed file the position is that of the uncompressed bytes: it reaches the end too early, but no further.
        while (reader.Read() && visit(reader)) _progress.AdvanceTo((_before + Math.Min(reader.Position, length)) / MB);
        _before += length;
    }

    public void Dispose() => _progress.Dispose();
}
