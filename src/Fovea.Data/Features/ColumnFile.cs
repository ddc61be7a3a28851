using System.Text.Json;

namespace Fovea.Data;

/// <summary>Columns declared in JSON: <c>{"columns": [{"type": "hash_bucket", "key": "city", "buckets": 1000}, ...]}</c>.
/// Types: numeric, bucketized, vocabulary, vocabulary_file, identity, hash_bucket, crossed, weighted, indicator, embedding,
/// shared_embedding, sequence_categorical, sequence_numeric; members are the parameters of the columns' constructors in
/// snake_case.</summary>
public static class ColumnFile
{
    private const int LargestFile = 64 << 20; // bytes

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a file. Vocabulary files lie in its folder or below.</summary>
    /// <exception cref="FeatureException">The file is not well formed, or a column is wrong.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyList<FeatureColumn> Load(string path)
    {
        if (new FileInfo(path).Length > LargestFile) throw new FeatureException(path, $"larger than {LargestFile} bytes");
        return Parse(File.ReadAllBytes(path), path, Path.GetDirectoryName(Path.GetFullPath(path)));
    }

    /// <summary>Reads columns from UTF-8 text, without vocabulary files.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="FeatureException">The text is not well formed, or a column is wrong.</exception>
    public static IReadOnlyList<FeatureColumn> Parse(ReadOnlySpan<byte> json, string name = "columns") => Parse(json, name, null);

    private static FeatureColumn[] Parse(ReadOnlySpan<byte> json, string name, string? folder)
    {
        try
        {
            var text = json.StartsWith(ByteOrderMark) ? json[ByteOrderMark.Length..] : json;
            var list = JsonSerializer.Deserialize(text, ColumnJsonContext.Default.ColumnListJson) ??
                throw new FeatureException(name, "no columns but null");
            return [.. list.Columns.SelectMany(column => column?.Make(folder) ?? throw new FeatureException(name, "a column is null"))];
        }
        // InvalidOperationException: a string that is not Unicode.
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new FeatureException(name, e.Message);
        }
    }
}
