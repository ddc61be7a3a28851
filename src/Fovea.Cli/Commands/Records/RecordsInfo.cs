using System.Globalization;
using Fovea.Data;
using Spectre.Console;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea records info</c>: a line of numbers for each file, and a table of the features in all of them.</summary>
internal sealed class RecordsInfo(CliConsole console)
{
    private readonly IAnsiConsole _styled = console.Styled();
    private readonly ExampleSchema _schema = new();
    private ExampleException? _notExamples;

    internal int Run(string[] paths)
    {
        using var files = new RecordFiles(console, paths);
        foreach (var path in paths) files.Try(path, () => Describe(files, path));
        if (_notExamples is not null) _styled.WriteLine($"The records are no Examples: {_notExamples.Message}");
        else if (_schema.Records > 0) _styled.Write(Schema());
        return files.ExitCode;
    }

    private void Describe(RecordFiles files, string path)
    {
        long records = 0, bytes = 0;
        int least = int.MaxValue, most = 0;
        var compression = TfRecordCompression.None;
        files.Read(path, new TfRecordReaderOptions { Compression = TfRecordCompression.Detect }, reader =>
        {
            var length = reader.Current.Length;
            (records, bytes, least, most) = (records + 1, bytes + length, Math.Min(least, length), Math.Max(most, length));
            compression = reader.Compression;
            Add(reader.Current.Span);
            return true;
        });
        var sizes = records == 0
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $", each {least} to {most} bytes, {(double)bytes / records:F1} on average");
        var form = compression == TfRecordCompression.None ? "" : $", {compression}";
        // Plain text, not markup: brackets in file names stay what they are.
        _styled.WriteLine($"{path}: {records} records{sizes}, {new FileInfo(path).Length} bytes of file{form}");
    }

    private void Add(ReadOnlySpan<byte> record)
    {
        if (_notExamples is not null) return;
        try
        {
            _schema.Add(record);
        }
        catch (ExampleException e)
        {
            _notExamples = e;
        }
    }

    private Table Schema()
    {
        var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2)
            .AddColumns("feature", "kind", "records", "values", "steps", "parse as");
        for (var i = 2; i < 5; i++) table.Columns[i].RightAligned();
        foreach (var f in _schema.Features.Concat(_schema.Lists))
        {
            var values = f.FewestValues == f.MostValues ? $"{f.MostValues}" : $"{f.FewestValues} to {f.MostValues}";
            table.AddRow(new Text(f.Name), new Text(f.IsMixed ? "mixed" : f.Kind.ToString()), new Text($"{f.Records}"), new Text(values),
                new Text(f.IsList ? $"up to {f.MostSteps}" : ""), new Text(f.IsMixed ? "" : Spec(f.ToSpec(_schema.Records))));
        }
        return table;
    }

    private static string Spec(FeatureSpec spec) => spec switch
    {
        FixedLenFeature f => $"FixedLen [{string.Join(", ", f.Shape)}]",
        FixedLenSequenceFeature f => $"FixedLenSequence [{string.Join(", ", f.Shape)}]",
        _ => "VarLen",
    };
}
