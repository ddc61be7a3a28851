namespace Fovea.Models.Sequences;

/// <summary>A model that goes on from several beginnings at once: what <see cref="BeamSearch"/> asks.</summary>
public interface IBeamScorer
{
    /// <summary>Number of tokens.</summary>
    int Vocabulary { get; }

    /// <summary>Appends a token to each hypothesis and gives the logits of what may follow it.</summary>
    /// <param name="parents">The hypothesis of the last call that each one continues; 0 in the first call, which has one.</param>
    /// <param name="tokens">What is appended.</param>
    /// <param name="logits">Room for <see cref="Vocabulary"/> numbers per hypothesis. -infinity forbids a token.</param>
    void Score(ReadOnlySpan<int> parents, ReadOnlySpan<int> tokens, Span<float> logits);
}
