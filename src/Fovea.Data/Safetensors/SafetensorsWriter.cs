using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fovea.Data;

/// <summary>Writes safetensors files: widest data types first, then by name, header padded to 8 bytes, as the reference writer
/// does.</summary>
public sealed class SafetensorsWriter
{
    private readonly List<(string Name, SafetensorsDType DType, long[] Shape, long Length, Func<ReadOnlyMemory<byte>> Data)> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Free-form texts, written in the order of their keys.</summary>
    public SortedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a tensor. Its bytes are asked for when they are written, so that one tensor at a time need be in memory.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string name, SafetensorsDType dtype, ReadOnlySpan<long> shape, Func<ReadOnlyMemory<byte>> data)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(data);
        if (name == "__metadata__" || !_names.Add(name)) throw new ArgumentException($"the name {name} is taken", nameof(name));
        long length = dtype.Size();
        foreach (var size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            length = checked(length * size);
        }
        _tensors.Add((name, dtype, shape.ToArray(), length, data));
    }

    /// <summary>Writes header and data.</summary>
    /// <exception cref="InvalidOperationException">A tensor gave more or fewer bytes than its shape needs.</exception>
    public void WriteTo(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var sorted = _tensors.OrderByDescending(t => t.DType).ThenBy(t => t.Name, StringComparer.Ordinal).ToArray();
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            if (Metadata.Count > 0) WriteMetadata(writer);
            long offset = 0;
            foreach (var tensor in sorted)
            {
                WriteEntry(writer, tensor.Name, tensor.DType, tensor.Shape, offset, offset + tensor.Length);
                offset += tensor.Length;
            }
            writer.WriteEndObject();
        }
        while (json.Length % 8 != 0) json.WriteByte((byte)' ');
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        stream.Write(length);
        stream.Write(json.GetBuffer().AsSpan(0, (int)json.Length));
        foreach (var tensor in sorted)
        {
            var data = tensor.Data();
            if (data.Length != tensor.Length) throw new InvalidOperationException($"tensor {tensor.Name} has {data.Length} bytes, its shape needs {tensor.Length}");
            stream.Write(data.Span);
        }
    }

    /// <summary>Replaces <paramref name="path"/> as a whole or not at all: writes beside it, flushes to the disk, renames. Whenever the
    /// process or the machine stops, the old or the new file is there.</summary>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var beside = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                WriteTo(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    private void WriteMetadata(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("__metadata__");
        foreach (var (key, value) in Metadata) writer.WriteString(key, value);
        writer.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter writer, string name, SafetensorsDType dtype, long[] shape, long begin, long end)
    {
        writer.WriteStartObject(name);
        writer.WriteString("dtype", dtype.Name());
        writer.WriteStartArray("shape");
        foreach (var size in shape) writer.WriteNumberValue(size);
        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(begin);
        writer.WriteNumberValue(end);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
