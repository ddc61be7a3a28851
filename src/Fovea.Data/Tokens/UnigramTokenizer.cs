using System.Text;

namespace Fovea.Data;

/// <summary>Cuts text into the pieces whose probabilities have the greatest product (Kudo, "Subword Regularization", 2018), by the
/// algorithm of Viterbi. Spaces become "▁" (U+2581), and one is put in front of the text.
/// <para>Spans refer to <see cref="Normalize"/> of the text, which is the text itself where that is in normal form KC.</para></summary>
public sealed class UnigramTokenizer : ITokenizer
{
    private const char Space = '▁';

    // A character that no piece holds costs this much more than the least probable piece (as in SentencePiece).
    private const double UnknownPenalty = 10;

    private readonly (string Piece, double Score)[] _pieces;
    private readonly Dictionary<string, int> _ids = [];
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly int[] _lengths; // of pieces, ascending: the only ones worth looking up
    private readonly double _unknownScore;

    /// <summary>Takes a vocabulary.</summary>
    /// <param name="pieces">Texts and logarithms of probabilities by id; of equal texts the last one counts.</param>
    /// <param name="reserved">Ids below this are control tokens that no text gives.</param>
    /// <param name="unknownId">The token of text that no piece holds; neighbours are joined into one.</param>
    public UnigramTokenizer(IEnumerable<(string Piece, double Score)> pieces, int reserved, int unknownId)
    {
        _pieces = [.. pieces];
        UnknownId = unknownId;
        ArgumentOutOfRangeException.ThrowIfNegative(reserved);
        ArgumentOutOfRangeException.ThrowIfNegative(unknownId);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(unknownId, _pieces.Length);
        var least = 0.0;
        for (var id = reserved; id < _pieces.Length; id++)
        {
            _ids[_pieces[id].Piece] = id;
            least = Math.Min(least, _pieces[id].Score);
        }
        _unknownScore = least - UnknownPenalty;
        _lengths = [.. _ids.Keys.Select(p => p.Length).Distinct().Order()];
        _lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Reads a vocabulary in the form [["piece", score], ...].</summary>
    /// <exception cref="VocabularyFormatException">The JSON is not well formed or not a vocabulary.</exception>
    public static UnigramTokenizer Parse(ReadOnlyMemory<byte> json, string name, int reserved, int unknownId)
    {
        var pieces = VocabularyFile.ReadScores(json, name);
        if (reserved > pieces.Length || unknownId >= pieces.Length)
            throw new VocabularyFormatException(name, $"it has {pieces.Length} pieces, control tokens reach beyond");
        return new UnigramTokenizer(pieces, reserved, unknownId);
    }

    /// <inheritdoc/>
    public int VocabularySize => _pieces.Length;

    /// <summary>The token of text that no piece holds.</summary>
    public int UnknownId { get; }

    /// <summary>The text in normal form KC, with broken surrogates replaced. A process without globalization data (invariant mode) leaves
    /// characters as they are.</summary>
    public static string Normalize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // Enumerating runes turns what is broken into U+FFFD; normalisation would throw.
        if (text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
            text = string.Concat(text.EnumerateRunes().Select(rune => rune.ToString()));
        return text.Normalize(NormalizationForm.FormKC);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Token> Encode(string text)
    {
        text = Normalize(text);
        if (text.Length == 0) return [];
        var line = string.Concat([Space], text.Replace(' ', Space));
        var (from, ids) = BestPath(line);
        var tokens = new List<Token>();
        for (var end = line.Length; end > 0; end = from[end])
        {
            // One character of the line stands in front of the text.
            var (start, stop) = (Math.Max(from[end] - 1, 0), end - 1);
            if (ids[end] == UnknownId && tokens.Count > 0 && tokens[^1].Id == UnknownId)
                tokens[^1] = new Token(UnknownId, start, tokens[^1].Start + tokens[^1].Length - start);
            else tokens.Add(new Token(ids[end], start, stop - start));
        }
        tokens.Reverse();
        return tokens;
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            VocabularyFile.CheckId(id, VocabularySize);
            text.Append(_pieces[id].Piece);
        }
        text.Replace(Space, ' ');
        return text.Length > 0 && text[0] == ' ' ? text.ToString(1, text.Length - 1) : text.ToString();
    }

    // For each end: where its best last piece begins, and which it is. Of equal paths the one with the longest last piece wins.
    private (int[] From, int[] Ids) BestPath(string line)
    {
        var best = new double[line.Length + 1];
        best.AsSpan(1).Fill(double.NegativeInfinity);
        var (from, ids) = (new int[line.Length + 1], new int[line.Length + 1]);
        for (var start = 0; start < line.Length;)
        {
            var rune = Rune.GetRuneAt(line, start).Utf16SequenceLength;
            foreach (var length in _lengths)
            {
                if (length > line.Length - start) break;
                if (_lookup.TryGetValue(line.AsSpan(start, length), out var id)) Improve(start, start + length, id, _pieces[id].Score);
            }
            // Also where longer pieces begin here: they may not lead to the end of the line.
            Improve(start, start + rune, UnknownId, _unknownScore);
            start += rune;
        }
        return (from, ids);

        void Improve(int start, int end, int id, double score)
        {
            if (best[start] + score <= best[end]) return;
            best[end] = best[start] + score;
            (from[end], ids[end]) = (start, id);
        }
    }
}
