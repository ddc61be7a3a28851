using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Fovea.Data;

/// <summary>The header of a file: 8 bytes of length, then JSON. Everything in it is checked against the size of the file before
/// anything is allocated for it.</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference reader's limit.</summary>
    public const int LargestHeader = 100_000_000;

    // Deeper or larger shapes than any tensor of this library.
    private const int LargestRank = 64;

    private readonly string _file;
    private readonly Dictionary<string, SafetensorsEntry> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string file) => _file = file;

    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Bytes in front of the data.</summary>
    public long DataStart { get; private init; }

    /// <summary>Reads and checks the length field.</summary>
    public static int HeaderLength(string file, ReadOnlySpan<byte> first, long fileLength)
    {
        if (first.Length < 8) throw new SafetensorsException(file, $"a file has at least 8 bytes, this one {first.Length}");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(first);
        if (length > LargestHeader) throw new SafetensorsException(file, $"the header is said to have {length} bytes, at most {LargestHeader} are read");
        if ((long)length > fileLength - 8) throw new SafetensorsException(file, $"the header is said to have {length} bytes, {fileLength - 8} follow");
        return (int)length;
    }

    /// <summary>Reads the JSON.</summary>
    /// <param name="file">Name for messages.</param>
    /// <param name="json">The header without its length field.</param>
    /// <param name="dataLength">Bytes behind the header.</param>
    public static SafetensorsHeader Parse(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafetensorsHeader(file) { DataStart = 8 + json.Length };
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
            header.ReadTensors(ref reader);
            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new SafetensorsException(file, $"the header is not valid JSON: {e.Message}", e);
        }
        header.CheckLayout(dataLength);
        return header;
    }

    private void ReadTensors(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        while (Next(ref reader, out var name))
        {
            if (name == "__metadata__")
            {
                if (_metadata.Count > 0) throw Bad("the metadata come twice");
                ReadMetadata(ref reader);
            }
            else if (!_tensors.TryAdd(name, ReadEntry(ref reader, name)))
            {
                throw Bad($"tensor {name} comes twice");
            }
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, "the metadata");
        while (Next(ref reader, out var key))
        {
            Expect(ref reader, JsonTokenType.String, $"metadata {key}");
            if (!_metadata.TryAdd(key, reader.GetString()!)) throw Bad($"metadata {key} come twice");
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, $"tensor {name}");
        string? dtypeName = null;
        List<long>? shape = null, offsets = null;
        while (Next(ref reader, out var key))
        {
            switch (key)
            {
                case "dtype" when dtypeName is null:
                    Expect(ref reader, JsonTokenType.String, $"dtype of {name}");
                    dtypeName = reader.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, $"shape of {name}");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, $"data_offsets of {name}");
                    break;
                default:
                    throw Bad($"tensor {name} has an unexpected {key}");
            }
        }
        if (dtypeName is null || shape is null || offsets is not { Count: 2 }) throw Bad($"tensor {name} needs dtype, shape and two data_offsets");
        if (!SafetensorsDTypes.TryParse(dtypeName, out var dtype)) throw Bad($"tensor {name} has the unknown dtype {dtypeName}");
        if (offsets[1] < offsets[0]) throw Bad($"tensor {name} ends before it begins");
        var length = offsets[1] - offsets[0];
        try
        {
            long bytes = dtype.Size();
            foreach (var size in shape) bytes = checked(bytes * size);
            if (bytes != length) throw Bad($"tensor {name} of {dtypeName} [{string.Join(", ", shape)}] needs {bytes} bytes, it has {length}");
        }
        catch (OverflowException e)
        {
            throw new SafetensorsException(_file, $"the shape of tensor {name} overflows", e);
        }
        return new SafetensorsEntry(name, dtype, shape, offsets[0], length);
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string what)
    {
        Expect(ref reader, JsonTokenType.StartArray, what);
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (numbers.Count == LargestRank) throw Bad($"{what} has more than {LargestRank} numbers");
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var value) || value < 0)
                throw Bad($"{what} has something else than numbers from 0 to {long.MaxValue}");
            numbers.Add(value);
        }
        return numbers;
    }

    // The data are the tensors one behind the other: no holes to hide bytes in, no overlap.
    private void CheckLayout(long dataLength)
    {
        long end = 0;
        foreach (var entry in _tensors.Values.OrderBy(t => t.Offset).ThenBy(t => t.Length))
        {
            if (entry.Offset != end) throw Bad($"tensor {entry.Name} begins at byte {entry.Offset}, the one before ends at {end}");
            end = entry.Offset + entry.Length;
        }
        if (end != dataLength) throw Bad($"the tensors have {end} bytes, {dataLength} follow the header");
    }

    private void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type) throw Bad($"{what} is not {type switch { JsonTokenType.String => "a string", JsonTokenType.StartArray => "an array", _ => "an object" }}");
    }

    private static bool Next(ref Utf8JsonReader reader, out string name)
    {
        name = "";
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject) return false;
        name = reader.GetString()!;
        return true;
    }

    private SafetensorsException Bad(string message) => new(_file, message);
}
