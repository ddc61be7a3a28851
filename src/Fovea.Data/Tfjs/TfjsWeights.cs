using System.Text.Json;

namespace Fovea.Data;

/// <summary>
/// The weights of a TensorFlow.js model, by name: a <c>model.json</c> or a bare weights manifest, and the binary shards it names. The
/// graph is not read; networks are written by hand. Safe on hostile bytes: every size is checked against the shards before anything is
/// allocated for it.
/// </summary>
public sealed class TfjsWeights
{
    /// <summary>Largest JSON file and largest shard <see cref="Load"/> reads, in bytes.</summary>
    public const long MaxFileBytes = 1L << 30;

    private readonly List<TfjsTensor> _tensors = [];
    private readonly Dictionary<string, TfjsTensor> _byName = [];

    private TfjsWeights(string name) => Name = name;

    /// <summary>File or name the weights were read from.</summary>
    public string Name { get; }

    /// <summary>All weights, in the order of the manifest.</summary>
    public IReadOnlyList<TfjsTensor> Tensors => _tensors;

    /// <summary>Reads a model and the shards beside it.</summary>
    /// <exception cref="TfjsFormatException">The files are not well formed, too large, or a shard's name leads out of the folder.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static TfjsWeights Load(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Parse(Read(path), path, shard => Path.GetFileName(shard) == shard && shard is not ("" or "." or "..")
            ? Read(Path.Combine(folder, shard))
            : throw new TfjsFormatException(path, $"the shard '{shard}' is not a file beside it"));
    }

    /// <summary>Parses a model in memory; tensors refer to the memory of the shards, which must not change.</summary>
    /// <param name="json">Content of <c>model.json</c> or of the manifest.</param>
    /// <param name="name">Name for messages.</param>
    /// <param name="readShard">Content of a shard by the name that the manifest gives it; it is untrusted.</param>
    /// <exception cref="TfjsFormatException">The JSON or the sizes are not well formed.</exception>
    public static TfjsWeights Parse(ReadOnlyMemory<byte> json, string name, Func<string, ReadOnlyMemory<byte>> readShard)
    {
        ArgumentNullException.ThrowIfNull(readShard);
        var weights = new TfjsWeights(name);
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var manifest = root.ValueKind == JsonValueKind.Array ? root : root.GetProperty("weightsManifest");
            foreach (var group in manifest.EnumerateArray()) weights.AddGroup(group, readShard);
        }
        // What the JSON classes throw for a damaged text, a missing member, a value of another kind, a number out of range.
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException and not TfjsFormatException)
        {
            throw new TfjsFormatException(name, e.Message, e);
        }
        return weights;
    }

    /// <summary>The weight of this name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public TfjsTensor GetTensor(string name) =>
        _byName.TryGetValue(name, out var tensor) ? tensor : throw new KeyNotFoundException($"{Name}: no weight named '{name}'");

    private static byte[] Read(string path)
    {
        var length = new FileInfo(path).Length;
        return length <= MaxFileBytes ? File.ReadAllBytes(path) : throw new TfjsFormatException(path, $"{length} bytes, at most {MaxFileBytes} are accepted");
    }

    // The weights of a group lie one behind the other in the concatenation of its shards.
    private void AddGroup(JsonElement group, Func<string, ReadOnlyMemory<byte>> readShard)
    {
        var shards = group.GetProperty("paths").EnumerateArray().Select(p => readShard(p.GetString() ?? "")).ToArray();
        var bytes = shards.Length == 1 ? shards[0] : Concatenate(shards);
        var offset = 0;
        foreach (var weight in group.GetProperty("weights").EnumerateArray())
        {
            var tensor = ReadTensor(weight, bytes[offset..]);
            offset += tensor.Data.Length;
            _tensors.Add(tensor);
            if (!_byName.TryAdd(tensor.Name, tensor)) throw new TfjsFormatException(Name, $"the weight '{tensor.Name}' occurs twice");
        }
        if (offset != bytes.Length) throw new TfjsFormatException(Name, $"the shards have {bytes.Length} bytes, the weights need {offset}");
    }

    private TfjsTensor ReadTensor(JsonElement weight, ReadOnlyMemory<byte> rest)
    {
        var name = weight.GetProperty("name").GetString() ?? "";
        var type = weight.GetProperty("dtype").GetString() ?? "";
        var (stored, scale, min) = (type, 1.0, 0.0);
        if (weight.TryGetProperty("quantization", out var quantization))
        {
            stored = quantization.GetProperty("dtype").GetString() ?? "";
            if (type != "float32" || stored is not ("uint8" or "uint16" or "float16"))
                throw new TfjsFormatException(Name, $"'{name}' is {type} stored as {stored}");
            if (stored != "float16") (scale, min) = (quantization.GetProperty("scale").GetDouble(), quantization.GetProperty("min").GetDouble());
            if (!double.IsFinite(scale) || !double.IsFinite(min)) throw new TfjsFormatException(Name, $"'{name}' has the scale {scale} and the minimum {min}");
        }
        else if (type is not ("float32" or "int32" or "bool"))
        {
            throw new TfjsFormatException(Name, $"'{name}' has the unknown type '{type}'");
        }
        int[] shape = [.. weight.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32())];
        var size = TfjsTensor.SizeOf(stored);
        var count = 1L;
        foreach (var dimension in shape)
        {
            // More elements than bytes cannot be stored; the bound keeps the product from overflowing.
            if (dimension < 0 || (dimension > 0 && count > int.MaxValue / dimension))
                throw new TfjsFormatException(Name, $"'{name}' has the impossible shape [{string.Join(',', shape)}]");
            count *= dimension;
        }
        if (count * size > rest.Length)
            throw new TfjsFormatException(Name, $"'{name}' [{string.Join(',', shape)}] needs {count * size} bytes, the shards have {rest.Length} left");
        return new TfjsTensor(name, type, stored, shape, (int)count, scale, min, rest[..(int)(count * size)]);
    }

    private byte[] Concatenate(ReadOnlyMemory<byte>[] shards)
    {
        var total = shards.Sum(s => (long)s.Length);
        if (total > MaxFileBytes) throw new TfjsFormatException(Name, $"its shards have {total} bytes, at most {MaxFileBytes} are accepted");
        var bytes = new byte[total];
        var offset = 0;
        foreach (var shard in shards)
        {
            shard.CopyTo(bytes.AsMemory(offset));
            offset += shard.Length;
        }
        return bytes;
    }
}
