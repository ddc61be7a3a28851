using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fovea.Detection.Evaluation;
using Spectre.Console;

namespace Fovea.Cli.Eval;

/// <summary>Writes an evaluation: a table of numbers, for people, or one JSON object {"metric","images","objects","detections","values":
/// {name: number},"categories":[{"name","AP"}]}; numbers that do not exist for lack of objects are "-" and null.</summary>
internal sealed class EvalWriter(CliConsole console, AnnotatedDataset dataset, Metric metric, EvaluationResult result, int detections)
{
    internal void WriteTable(bool perCategory)
    {
        var styled = console.Styled();
        styled.WriteLine($"{dataset.Images.Count} images, {dataset.Objects.Count} objects, {detections} detections, by the rules of {metric.Name}");
        styled.Write(Table(["number", "value"], metric.Numbers(result)));
        if (perCategory) styled.Write(Table(["category", "AP"], Categories()));
    }

    internal void WriteJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("metric", metric.Name);
            json.WriteNumber("images", dataset.Images.Count);
            json.WriteNumber("objects", dataset.Objects.Count);
            json.WriteNumber("detections", detections);
            json.WriteStartObject("values");
            foreach (var (name, value) in metric.Numbers(result)) Write(json, name, value);
            json.WriteEndObject();
            json.WriteStartArray("categories");
            foreach (var (name, value) in Categories())
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                Write(json, "AP", value);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        console.Out.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private IEnumerable<(string Name, double Value)> Categories() =>
        dataset.Categories.Select((c, i) => (c.Name, result.AveragePrecision(category: i)));

    private Table Table(string[] columns, IEnumerable<(string Name, double Value)> rows)
    {
        var table = new Table().Border(console.OutIsTerminal ? TableBorder.Rounded : TableBorder.Ascii2).AddColumns(columns);
        table.Columns[1].RightAligned();
        foreach (var (name, value) in rows)
            table.AddRow(new Text(name), new Text(double.IsNaN(value) ? "-" : value.ToString("F4", CultureInfo.InvariantCulture)));
        return table;
    }

    private static void Write(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsNaN(value)) json.WriteNull(name);
        else json.WriteNumber(name, Math.Round(value, 6));
    }
}
