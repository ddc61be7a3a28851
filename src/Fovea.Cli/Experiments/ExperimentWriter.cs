using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Fovea.Cli.Experiments;

/// <summary>Results of experiments for people and for programs.</summary>
internal static class ExperimentWriter
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A table of the rows, then condition, numbers and verdict.</summary>
    internal static void Print(CliConsole console, string name, ExperimentResult result)
    {
        var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2).Title(new TableTitle(name));
        table.AddColumns([.. result.Columns.Select(c => new TableColumn(new Text(c)).RightAligned())]);
        table.Columns[0].LeftAligned();
        foreach (var row in result.Rows) table.AddRow(row.Select(cell => new Text(Format(cell))));
        console.Styled().Write(table);
        console.Out.WriteLine($"condition: {result.Condition}");
        console.Out.WriteLine($"measured:  {result.Measured}");
        console.Out.WriteLine(result.Pass ? "pass" : "FAIL");
    }

    /// <summary>{"name","pass","condition","measured","seconds","rows":[{column: cell, ...}]}.</summary>
    internal static void WriteJson(string path, string name, ExperimentResult result, double seconds)
    {
        using var file = File.Create(path);
        using var json = new Utf8JsonWriter(file, Options);
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteBoolean("pass", result.Pass);
        json.WriteString("condition", result.Condition);
        json.WriteString("measured", result.Measured);
        json.WriteNumber("seconds", Math.Round(seconds, 3));
        json.WriteStartArray("rows");
        foreach (var row in result.Rows)
        {
            json.WriteStartObject();
            for (int i = 0; i < row.Count; i++) Write(json, result.Columns[i], row[i]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string key, object? cell)
    {
        switch (cell)
        {
            case bool value:
                json.WriteBoolean(key, value);
                break;
            case int or long:
                json.WriteNumber(key, Convert.ToInt64(cell, CultureInfo.InvariantCulture));
                break;
            case double value when double.IsFinite(value):
                json.WriteNumber(key, Math.Round(value, 6));
                break;
            case string value:
                json.WriteString(key, value);
                break;
            default: // JSON has no NaN
                json.WriteNull(key);
                break;
        }
    }

    private static string Format(object? cell) => cell switch
    {
        null => "-",
        bool value => value ? "yes" : "no",
        double value => value.ToString(Math.Abs(value) is > 0 and < 0.1 ? "G2" : "F2", CultureInfo.InvariantCulture),
        int or long => string.Create(CultureInfo.InvariantCulture, $"{cell:N0}"),
        _ => cell.ToString()!,
    };
}
