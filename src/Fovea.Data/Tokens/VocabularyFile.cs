using System.Text.Json;

namespace Fovea.Data;

/// <summary>Readers of the JSON forms of vocabularies. Everything a hostile file can say is checked.</summary>
internal static class VocabularyFile
{
    /// <summary>Most tokens of a vocabulary: ten times the largest in use.</summary>
    private const int MaxTokens = 1 << 22;

    /// <summary>[["piece", score], ...]; a piece's index is its id. Scores are finite logarithms of probabilities. Null counts as 0, as it
    /// does in JavaScript: published files have it where a script could not read a number.</summary>
    public static (string Piece, double Score)[] ReadScores(ReadOnlyMemory<byte> json, string name) => Read(json, name, root =>
    {
        if (root.GetArrayLength() is 0 or > MaxTokens) throw new VocabularyFormatException(name, $"it has {root.GetArrayLength()} pieces");
        var pieces = new (string, double)[root.GetArrayLength()];
        var index = 0;
        foreach (var entry in root.EnumerateArray())
        {
            if (entry.GetArrayLength() != 2)
                throw new VocabularyFormatException(name, $"piece {index} has {entry.GetArrayLength()} parts, not text and score");
            var (text, score) = (entry[0].GetString(), entry[1].ValueKind == JsonValueKind.Null ? 0 : entry[1].GetDouble());
            if (string.IsNullOrEmpty(text)) throw new VocabularyFormatException(name, $"piece {index} is empty");
            if (!double.IsFinite(score)) throw new VocabularyFormatException(name, $"piece {index} has the score {score}");
            pieces[index++] = (text, score);
        }
        return pieces;
    });

    /// <summary>{"token": id, ...}: ids from 0 without gaps. Gives the token of each id.</summary>
    public static string[] ReadIds(ReadOnlyMemory<byte> json, string name) => Read(json, name, root =>
    {
        var tokens = new List<(string Text, int Id)>();
        foreach (var entry in root.EnumerateObject()) tokens.Add((entry.Name, entry.Value.GetInt32()));
        if (tokens.Count is 0 or > MaxTokens) throw new VocabularyFormatException(name, $"it has {tokens.Count} tokens");
        var byId = new string[tokens.Count];
        foreach (var (text, id) in tokens)
        {
            if ((uint)id >= (uint)byId.Length)
                throw new VocabularyFormatException(name, $"'{text}' has the id {id}, there are {byId.Length} tokens");
            if (byId[id] is not null) throw new VocabularyFormatException(name, $"'{byId[id]}' and '{text}' have the id {id}");
            byId[id] = text;
        }
        if (tokens.Select(t => t.Text).Distinct().Count() != byId.Length)
            throw new VocabularyFormatException(name, "a token occurs twice");
        return byId;
    });

    /// <summary>Throws what <see cref="ITokenizer.Decode"/> promises.</summary>
    public static void CheckId(int id, int count)
    {
        if ((uint)id >= (uint)count) throw new ArgumentOutOfRangeException(nameof(id), $"token {id} is not in a vocabulary of {count}");
    }

    private static T Read<T>(ReadOnlyMemory<byte> json, string name, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        // What the JSON classes throw for a damaged text, a value of another kind, a number out of range.
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException and not VocabularyFormatException)
        {
            throw new VocabularyFormatException(name, e.Message, e);
        }
    }
}
