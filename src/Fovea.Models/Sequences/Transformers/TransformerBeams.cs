namespace Fovea.Models.Sequences.Transformers;

/// <summary>Lets <see cref="BeamSearch"/> use a session: each hypothesis is a stream, and streams go on from their parents' caches. With an
/// encoder, every stream gets the same memory.</summary>
/// <param name="session">Has at least as many streams as beams; what stream 0 holds is the common beginning.</param>
public sealed class TransformerBeams(TransformerDecoderSession session) : IBeamScorer
{
    private readonly int[] _parents = new int[(session ?? throw new ArgumentNullException(nameof(session))).Streams];
    private readonly int[] _tokens = new int[session.Streams];
    private readonly float[] _logits = new float[session.Streams * session.Vocabulary];

    /// <inheritdoc/>
    public int Vocabulary => session.Vocabulary;

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<int> parents, ReadOnlySpan<int> tokens, Span<float> logits)
    {
        if (parents.Length > session.Streams)
            throw new ArgumentException($"{parents.Length} beams, the session has {session.Streams} streams", nameof(parents));
        // Streams without a hypothesis pause.
        _parents.AsSpan().Clear();
        _tokens.AsSpan().Fill(-1);
        parents.CopyTo(_parents);
        tokens.CopyTo(_tokens);
        session.Reorder(_parents);
        session.Step(_tokens, _logits);
        _logits.AsSpan(0, logits.Length).CopyTo(logits);
    }
}
