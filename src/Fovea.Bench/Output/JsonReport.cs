using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fovea.Bench.Output;

/// <summary>Rows as a JSON array, one row per line.</summary>
public static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = JsonNumberHandling.Strict,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // this never lands in HTML, and "64->64" stays readable
    };

    public static string Write(IReadOnlyCollection<BenchRow> rows) =>
        rows.Count == 0 ? "[]\n" : "[\n" + string.Join(",\n", rows.Select(row => JsonSerializer.Serialize(row, Options))) + "\n]\n";
}
