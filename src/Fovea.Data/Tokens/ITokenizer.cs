namespace Fovea.Data;

/// <summary>Turns text into tokens of a vocabulary and back. Immutable, so any number of threads may use it. Text of any kind is
/// accepted; broken surrogates count as U+FFFD.</summary>
public interface ITokenizer
{
    /// <summary>One more than the highest token.</summary>
    int VocabularySize { get; }

    /// <summary>The tokens of a text, in its order. Nothing in the text stands for a control token.</summary>
    IReadOnlyList<Token> Encode(string text);

    /// <summary>The text of tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    string Decode(ReadOnlySpan<int> ids);
}
