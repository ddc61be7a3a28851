using System.Globalization;
using Fovea.Data;
using Spectre.Console;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea features explain</c>: ids, weights and numbers of every column for one record.</summary>
internal sealed class FeaturesExplain(CliConsole console, string path)
{
    internal required string[] Values { get; init; }
    internal required string? Record { get; init; }
    internal required int Index { get; init; }
    internal required bool IsSequenceExample { get; init; }

    internal int Run()
    {
        try
        {
            var columns = ColumnFile.Load(path);
            var spec = new ParseSpec(columns);
            // Without feature lists every value of a feature is a step of a sequence.
            var parser = IsSequenceExample
                ? new ExampleParser(spec.Features, spec.Sequences)
                : new ExampleParser(spec.Features.Concat(spec.Sequences));
            using var batch = parser.CreateBatch();
            if ((Record is null ? FromValues(spec) : FromFile(Record)) is not { } record) return ExitCode.BadUsage;
            batch.Add(record);
            var cache = new FeatureCache().Reset(new ExampleFeatures().Read(batch));
            Print([.. columns.Select(column => ColumnExplanation.Of(column, cache, 0))]);
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is FeatureException or ExampleException or TfRecordException or InvalidDataException or IOException
            or UnauthorizedAccessException or ArgumentException)
        {
            console.Fail(e.Message.Split(" (Parameter")[0]);
            return ExitCode.SomeFileFailed;
        }
    }

    // The values as a record, so that they take the way of all records. Null after a complaint.
    private byte[]? FromValues(ParseSpec spec)
    {
        var kinds = spec.Features.Concat(spec.Sequences).ToDictionary(feature => feature.Name, feature => feature.Kind);
        var writer = new ExampleWriter();
        foreach (var values in Values.Select(value => value.Split('=', 2)).GroupBy(pair => pair[0], pair => pair[1]))
        {
            if (!kinds.TryGetValue(values.Key, out var kind))
            {
                console.Fail($"--value: no column reads '{values.Key}'; they read {string.Join(", ", kinds.Keys)}");
                return null;
            }
            var integers = new List<long>();
            var floats = new List<float>();
            foreach (var text in values)
            {
                if (kind == FeatureKind.Int64 && long.TryParse(text, CultureInfo.InvariantCulture, out var integer)) integers.Add(integer);
                else if (kind == FeatureKind.Float && float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
                    floats.Add(number);
                else if (kind != FeatureKind.Bytes)
                {
                    console.Fail($"--value: '{text}' is no {kind}, which '{values.Key}' needs");
                    return null;
                }
            }
            if (kind == FeatureKind.Int64) writer.Add(values.Key, [.. integers]);
            else if (kind == FeatureKind.Float) writer.Add(values.Key, [.. floats]);
            else writer.Add(values.Key, [.. values]);
        }
        return writer.ToArray();
    }

    private byte[] FromFile(string file)
    {
        using var reader = TfRecordReader.Open(file, new TfRecordReaderOptions { Compression = TfRecordCompression.Detect });
        for (var i = 0; i <= Index; i++)
            if (!reader.Read()) throw new InvalidDataException($"{file}: there are {i} records, {Index} is not one of them");
        return reader.Current.ToArray();
    }

    private void Print(ColumnExplanation[] explanations)
    {
        var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2)
            .AddColumns("column", "reads", "buckets", "ids", "weights", "numbers");
        foreach (var e in explanations)
            table.AddRow(new Text(e.Column.Name), new Text(string.Join(", ", e.Keys)),
                new Text(e.Buckets?.ToString(CultureInfo.InvariantCulture) ?? ""), new Text(Steps(e.Ids)),
                new Text(Steps(e.Weights)), new Text(List(e.Values)));
        console.Styled().Write(table);
    }

    // Steps of a sequence stand between commas; a step without ids leaves a dash.
    private static string Steps<T>(IReadOnlyList<T[]> steps) where T : IFormattable =>
        string.Join(", ", steps.Select(step => step.Length == 0 ? "-" : List(step)));

    private static string List<T>(T[] values) where T : IFormattable =>
        string.Join(" ", values.Select(value => value.ToString(null, CultureInfo.InvariantCulture)));
}
