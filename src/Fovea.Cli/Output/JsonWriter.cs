using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fovea.Cli.Detectors;
using Fovea.Data;

namespace Fovea.Cli.Output;

/// <summary>
/// One object per line: {"image","width","height","model","milliseconds","detections":[{"label","score","box":[x1,y1,x2,y2],
/// "landmarks":[[x,y],...]}]}. Coordinates are pixels of the original image; milliseconds is detection alone.
/// </summary>
internal sealed class JsonWriter(TextWriter output, string model) : IDetectionWriter
{
    // Not for HTML: names need no more escaping than JSON itself asks for.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _buffer = new();

    public void Write(string path, RgbImage image, double milliseconds, IReadOnlyList<DetectedObject> detections)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("image", path);
            json.WriteNumber("width", image.Width);
            json.WriteNumber("height", image.Height);
            json.WriteString("model", model);
            json.WriteNumber("milliseconds", Math.Round(milliseconds, 3));
            json.WriteStartArray("detections");
            foreach (var detection in detections) Write(json, detection);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        output.Flush();
    }

    private static void Write(Utf8JsonWriter json, DetectedObject detection)
    {
        json.WriteStartObject();
        json.WriteString("label", detection.Label);
        json.WriteNumber("score", detection.Score);
        json.WriteStartArray("box");
        json.WriteNumberValue(detection.X1);
        json.WriteNumberValue(detection.Y1);
        json.WriteNumberValue(detection.X2);
        json.WriteNumberValue(detection.Y2);
        json.WriteEndArray();
        json.WriteStartArray("landmarks");
        foreach (var point in detection.Landmarks)
        {
            json.WriteStartArray();
            json.WriteNumberValue(point.X);
            json.WriteNumberValue(point.Y);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
