using System.Globalization;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea records convert</c>: copies records into other files. These get their names when all went well.</summary>
internal sealed class RecordsConvert(CliConsole console)
{
    private const string Unfinished = ".unfinished";

    internal TfRecordCompression Compression { get; init; }

    internal int Shards { get; init; } = 1;

    internal bool SkipDamaged { get; init; }

    internal int Run(string[] paths)
    {
        var (inputs, output) = (paths[..^1], paths[^1]);
        var isJson = Path.GetExtension(output) == ".jsonl";
        if (isJson && (Shards > 1 || Compression != TfRecordCompression.None))
        {
            console.Fail("--shards and --compression are for TFRecord files, not for .jsonl");
            return ExitCode.BadUsage;
        }
        string[] outputs = Shards == 1
            ? [output]
            : [.. Enumerable.Range(0, Shards).Select(i => string.Create(CultureInfo.InvariantCulture, $"{output}-{i:D5}-of-{Shards:D5}"))];
        if (outputs.Select(Path.GetFullPath).Intersect(inputs.Select(Path.GetFullPath)).FirstOrDefault() is { } same)
        {
            console.Fail($"{same} would overwrite what is read");
            return ExitCode.BadUsage;
        }
        using var files = new RecordFiles(console, inputs);
        files.Try(output, () =>
        {
            long count = 0;
            if (isJson)
            {
                using var writer = new StreamWriter(output + Unfinished) { NewLine = "\n" };
                count = Copy(files, inputs, (_, record) => writer.WriteLine(RecordsHead.Line(record)));
            }
            else
            {
                count = CopyRecords(files, inputs, outputs);
            }
            // A failed input has been reported; its output would pass for whole.
            foreach (var path in outputs)
            {
                if (files.Failures == 0) File.Move(path + Unfinished, path, overwrite: true);
                else File.Delete(path + Unfinished);
            }
            if (files.Failures == 0) console.Out.WriteLine($"{output}: {count} records{(Shards > 1 ? $" in {Shards} files" : "")}");
        });
        return files.ExitCode;
    }

    private long CopyRecords(RecordFiles files, string[] inputs, string[] outputs)
    {
        var options = new TfRecordWriterOptions { Compression = Compression };
        var writers = new List<TfRecordWriter>();
        try
        {
            foreach (var path in outputs) writers.Add(TfRecordWriter.Create(path + Unfinished, options));
            return Copy(files, inputs, (i, record) => writers[(int)(i % writers.Count)].Write(record));
        }
        finally
        {
            foreach (var writer in writers) writer.Dispose();
        }
    }

    private long Copy(RecordFiles files, string[] inputs, Action<long, ReadOnlySpan<byte>> write)
    {
        var options = new TfRecordReaderOptions { Compression = TfRecordCompression.Detect, SkipDamaged = SkipDamaged };
        long count = 0;
        foreach (var path in inputs)
        {
            files.Try(path, () => files.Read(path, options, reader =>
            {
                write(count++, reader.Current.Span);
                return true;
            }));
        }
        return count;
    }
}
