namespace Fovea.Models.Sequences;

/// <summary>How far <see cref="BeamSearch"/> looks.</summary>
public sealed record BeamSearchOptions
{
    /// <summary>Hypotheses that are kept; 1 is greedy decoding.</summary>
    public int Beams { get; init; } = 4;

    /// <summary>The token that begins a text.</summary>
    public required int StartToken { get; init; }

    /// <summary>The token that ends one.</summary>
    public required int EndToken { get; init; }

    /// <summary>Most tokens that are written, the end included.</summary>
    public required int MaxLength { get; init; }

    /// <summary>alpha in log p / ((5 + length) / 6)^alpha (Wu et al., "Google's Neural Machine Translation System", 2016); 0 prefers
    /// short texts, 0.6 is usual.</summary>
    public double LengthPenalty { get; init; } = 0.6;

    internal double Score(double logProbability, int length) => logProbability / Math.Pow((5.0 + length) / 6, LengthPenalty);

    internal void Validate(int vocabulary)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Beams, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLength, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(LengthPenalty);
        foreach (var token in (ReadOnlySpan<int>)[StartToken, EndToken])
        {
            ArgumentOutOfRangeException.ThrowIfNegative(token);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, vocabulary);
        }
    }
}
