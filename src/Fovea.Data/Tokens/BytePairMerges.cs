using System.Text;

namespace Fovea.Data;

/// <summary>Ranked merges of byte-pair encoding (Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units",
/// 2016): of all neighbours that may merge, the pair of the lowest rank does, the leftmost first.</summary>
internal sealed class BytePairMerges
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Merged)> _merges = [];

    /// <summary>Reads "left right" lines; a first line that begins with "#version" is skipped.</summary>
    /// <param name="text">Content of the file.</param>
    /// <param name="name">Name for messages.</param>
    /// <param name="ids">Vocabulary, which must hold both parts and their concatenation.</param>
    /// <exception cref="VocabularyFormatException">A line is not well formed.</exception>
    public BytePairMerges(ReadOnlySpan<byte> text, string name, Dictionary<string, int> ids)
    {
        var number = 0;
        using var reader = new StringReader(Encoding.UTF8.GetString(text));
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal))) continue;
            var parts = line.Split(' ');
            if (parts.Length != 2) throw new VocabularyFormatException(name, $"line {number} has {parts.Length} parts, not two");
            if (!_merges.TryAdd((Id(parts[0]), Id(parts[1])), (_merges.Count, Id(parts[0] + parts[1]))))
                throw new VocabularyFormatException(name, $"line {number} repeats a merge");
        }

        int Id(string token) => ids.TryGetValue(token, out var id)
            ? id
            : throw new VocabularyFormatException(name, $"line {number} names '{token}', which is not in the vocabulary");
    }

    /// <summary>Merges symbols as far as they go. Work grows with n log n, whatever the text.</summary>
    /// <param name="symbols">Tokens of single symbols.</param>
    /// <param name="result">Gets the merged tokens and how many symbols each covers.</param>
    public void Apply(ReadOnlySpan<int> symbols, List<(int Id, int Symbols)> result)
    {
        if (symbols.IsEmpty) return;
        // A chain of nodes by position; a node that was merged into its left neighbour has the token -1.
        var (tokens, next, previous) = (symbols.ToArray(), new int[symbols.Length], new int[symbols.Length]);
        for (var i = 0; i < tokens.Length; i++) (next[i], previous[i]) = (i + 1, i - 1);
        var queue = new PriorityQueue<(int At, int Left, int Right), (int Rank, int At)>();
        for (var i = 0; i + 1 < tokens.Length; i++) Offer(i);
        while (queue.TryDequeue(out var pair, out _))
        {
            var (left, right) = (pair.At, next[pair.At]);
            // Stale where a neighbour has merged since.
            if (tokens[left] != pair.Left || right == tokens.Length || tokens[right] != pair.Right) continue;
            tokens[left] = _merges[(pair.Left, pair.Right)].Merged;
            tokens[right] = -1;
            next[left] = next[right];
            if (next[left] < tokens.Length) previous[next[left]] = left;
            if (previous[left] >= 0) Offer(previous[left]);
            Offer(left);
        }
        for (var i = 0; i < tokens.Length; i = next[i]) result.Add((tokens[i], next[i] - i));

        void Offer(int at)
        {
            if (next[at] == tokens.Length) return;
            var (left, right) = (tokens[at], tokens[next[at]]);
            if (_merges.TryGetValue((left, right), out var merge)) queue.Enqueue((at, left, right), (merge.Rank, at));
        }
    }
}
