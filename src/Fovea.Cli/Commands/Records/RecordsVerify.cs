using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea records verify</c>: reads everything; after the first damage of a file it counts what can still be
/// read.</summary>
internal sealed class RecordsVerify(CliConsole console)
{
    private static readonly TfRecordReaderOptions Strict = new() { Compression = TfRecordCompression.Detect };
    private static readonly TfRecordReaderOptions Lenient = Strict with { SkipDamaged = true };

    internal int Run(string[] paths)
    {
        using var files = new RecordFiles(console, paths);
        foreach (var path in paths)
        {
            long sound = 0;
            long? damaged = null;
            files.Try(path, () =>
            {
                try
                {
                    files.Read(path, Strict, _ => ++sound > 0);
                }
                catch (TfRecordException e)
                {
                    damaged = e.Error == TfRecordError.CorruptedCompression ? null : e.Offset;
                    throw;
                }
                console.Out.WriteLine($"{path}: {sound} records, all sound");
            });
            if (damaged is { } position) files.Try(path, () => CountTheRest(path, position, sound));
        }
        return files.ExitCode;
    }

    private void CountTheRest(string path, long position, long sound)
    {
        using var reader = TfRecordReader.Open(path, Lenient, position);
        while (reader.Read()) sound++;
        var places = reader.SkippedRegions == 1 ? "1 place" : $"{reader.SkippedRegions} places";
        console.Out.WriteLine($"{path}: {sound} records sound, {reader.SkippedBytes} bytes lost in {places}");
    }
}
