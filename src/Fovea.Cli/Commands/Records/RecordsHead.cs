using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fovea.Data;

namespace Fovea.Cli.Commands;

/// <summary><c>fovea records head</c>: the first records of each file.</summary>
internal sealed class RecordsHead(CliConsole console, int count, bool json)
{
    // Lists and strings are cut here: a person looks at them.
    private const int MostValues = 8;
    private const int MostCharacters = 60;

    internal int Run(string[] paths)
    {
        using var files = new RecordFiles(console, paths);
        foreach (var path in paths)
        {
            var left = count;
            files.Try(path, () =>
            {
                if (left == 0) return;
                files.Read(path, new TfRecordReaderOptions { Compression = TfRecordCompression.Detect }, reader =>
                {
                    if (json) console.Out.WriteLine(Line(reader.Current.Span));
                    else Print(path, count - left, reader.Current.Span);
                    return --left > 0;
                });
            });
        }
        return files.ExitCode;
    }

    /// <summary>A record in protobuf's JSON form.</summary>
    internal static string Line(ReadOnlySpan<byte> record)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            ExampleJson.Write(writer, record);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void Print(string path, int index, ReadOnlySpan<byte> record)
    {
        // Made whole before it is printed, so that a record that is no Example leaves no half of itself.
        var text = new StringBuilder($"{path}: record {index}, {record.Length} bytes\n");
        foreach (var feature in new ExampleReader(record))
            text.Append($"  {Encoding.UTF8.GetString(feature.Name)}: {feature.Kind} {Values(feature)}\n");
        foreach (var list in new SequenceExampleReader(record))
        {
            text.Append($"  {Encoding.UTF8.GetString(list.Name)}:\n");
            var step = 0;
            foreach (var feature in list)
                if (step++ < MostValues) text.Append($"    {feature.Kind} {Values(feature)}\n");
            if (step > MostValues) text.Append($"    and {step - MostValues} more steps\n");
        }
        console.Out.Write(text);
    }

    private static string Values(FeatureView feature)
    {
        var total = feature.Count;
        var values = new List<string>();
        switch (feature.Kind)
        {
            case FeatureKind.Bytes:
                foreach (var value in feature.EnumerateBytes())
                    if (values.Count < MostValues) values.Add(Quote(value));
                break;
            case FeatureKind.Float:
                var floats = new float[total];
                feature.CopyTo(floats);
                values.AddRange(floats.Take(MostValues).Select(f => f.ToString(CultureInfo.InvariantCulture)));
                break;
            case FeatureKind.Int64:
                var integers = new long[total];
                feature.CopyTo(integers);
                values.AddRange(integers.Take(MostValues).Select(i => i.ToString(CultureInfo.InvariantCulture)));
                break;
        }
        return $"[{string.Join(", ", values)}{(total > MostValues ? $", and {total - MostValues} more" : "")}]";
    }

    private static string Quote(ReadOnlySpan<byte> value)
    {
        var isText = System.Text.Unicode.Utf8.IsValid(value);
        foreach (var character in value) isText &= character >= 0x20 && character != 0x7f;
        if (!isText)
        {
            var start = Convert.ToHexStringLower(value[..Math.Min(8, value.Length)]);
            return $"<{value.Length} bytes {start}{(value.Length > 8 ? "..." : "")}>";
        }
        var text = Encoding.UTF8.GetString(value);
        return text.Length <= MostCharacters ? $"\"{text}\"" : $"\"{text[..MostCharacters]}...\" ({value.Length} bytes)";
    }
}
