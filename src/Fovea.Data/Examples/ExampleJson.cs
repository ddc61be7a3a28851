using System.Text;
using System.Text.Json;

namespace Fovea.Data;

/// <summary>Examples and SequenceExamples in protobuf's JSON form: 64-bit integers are strings, byte strings are
/// base64.</summary>
public static class ExampleJson
{
    /// <summary>Writes a record as one object, features in the order of the wire; of a name that comes twice the last one
    /// counts.</summary>
    /// <exception cref="ExampleException">The record is malformed.</exception>
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> record)
    {
        ArgumentNullException.ThrowIfNull(json);
        var lists = new Dictionary<string, Range>();
        foreach (var list in new SequenceExampleReader(record)) lists[Encoding.UTF8.GetString(list.Name)] = Place(record, list.Message);
        json.WriteStartObject();
        json.WriteStartObject(lists.Count > 0 ? "context" : "features");
        json.WriteStartObject("feature");
        var features = new Dictionary<string, Range>();
        foreach (var feature in new ExampleReader(record)) features[Encoding.UTF8.GetString(feature.Name)] = Place(record, feature.Message);
        foreach (var (name, message) in features)
        {
            json.WritePropertyName(name);
            Write(json, new FeatureView(default, record[message]));
        }
        json.WriteEndObject();
        json.WriteEndObject();
        if (lists.Count > 0)
        {
            json.WriteStartObject("featureLists");
            json.WriteStartObject("featureList");
            foreach (var (name, message) in lists)
            {
                json.WriteStartObject(name);
                json.WriteStartArray("feature");
                foreach (var step in new FeatureListView(default, record[message])) Write(json, step);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static Range Place(ReadOnlySpan<byte> record, ReadOnlySpan<byte> message) =>
        record.Overlaps(message, out var offset) ? offset..(offset + message.Length) : default;

    private static void Write(Utf8JsonWriter json, FeatureView feature)
    {
        json.WriteStartObject();
        if (feature.Kind != FeatureKind.None)
        {
            json.WriteStartObject(feature.Kind switch
            {
                FeatureKind.Bytes => "bytesList",
                FeatureKind.Float => "floatList",
                _ => "int64List",
            });
            json.WriteStartArray("value");
            WriteValues(json, feature);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteValues(Utf8JsonWriter json, FeatureView feature)
    {
        switch (feature.Kind)
        {
            case FeatureKind.Bytes:
                foreach (var value in feature.EnumerateBytes()) json.WriteBase64StringValue(value);
                break;
            case FeatureKind.Float:
                var floats = new float[feature.Count];
                feature.CopyTo(floats);
                foreach (var value in floats)
                {
                    // JSON has no numbers for these.
                    if (float.IsFinite(value)) json.WriteNumberValue(value);
                    else json.WriteStringValue(float.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
                }
                break;
            default:
                var integers = new long[feature.Count];
                feature.CopyTo(integers);
                foreach (var value in integers) json.WriteStringValue(value.ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
        }
    }
}
