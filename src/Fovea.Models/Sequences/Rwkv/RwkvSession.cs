namespace Fovea.Models.Sequences.Rwkv;

/// <summary>Streams of tokens through an <see cref="RwkvModel"/>: prompts in one go, then token by token. A step is one captured graph and
/// allocates no managed memory; memory does not grow with the length. One session serves one thread.</summary>
public sealed class RwkvSession : IDisposable
{
    // Positions per pass of a prompt: enough rows for the matrix products, and scratch that does not grow with the prompt.
    private const int PromptPositions = 256;

    private readonly RwkvModel _model;
    private readonly DeviceStream _stream;
    private readonly DeviceTensor[][] _parts;
    private readonly DeviceTensor _tokens, _logits;
    private readonly CapturedGraph _step;

    /// <summary>Starts at the beginning.</summary>
    /// <param name="model">Outlives the session.</param>
    /// <param name="stream">On the model's device; belongs to the caller.</param>
    /// <param name="streams">Sequences that advance together.</param>
    public RwkvSession(RwkvModel model, DeviceStream stream, int streams = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(stream);
        (_model, _stream) = (model, stream);
        State = new SequenceState(stream, streams);
        _parts = model.AddState(State);
        _tokens = DeviceTensor.Allocate(stream, DType.Int32, streams, 1);
        _logits = DeviceTensor.Allocate(stream, DType.Float32, streams, model.Options.Vocabulary);
        using var capture = stream.BeginCapture();
        model.Forward(stream, _tokens, _parts, _logits);
        _step = capture.End();
    }

    /// <summary>What the session remembers: save it, load it, begin again.</summary>
    public SequenceState State { get; }

    /// <summary>One token of every stream.</summary>
    /// <param name="tokens">One per stream.</param>
    /// <param name="logits">[streams][vocabulary]: of the token that comes next.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or a span has another length.</exception>
    public void Step(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        Check(tokens, logits);
        if (tokens.Length != State.Streams) throw new ArgumentException($"there are {tokens.Length} tokens for {State.Streams} streams", nameof(tokens));
        _tokens.CopyFrom(_stream, tokens);
        _step.Replay(_stream);
        _logits.CopyTo(_stream, logits);
    }

    /// <summary>Many tokens of every stream, in parallel; equal to as many steps but for rounding.</summary>
    /// <param name="tokens">[streams][positions].</param>
    /// <param name="logits">[streams][vocabulary]: of the token behind the last one.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or a span has another length.</exception>
    public void Prefill(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        Check(tokens, logits);
        var streams = State.Streams;
        if (tokens.IsEmpty || tokens.Length % streams != 0)
            throw new ArgumentException($"{tokens.Length} tokens are not as many for each of {streams} streams", nameof(tokens));
        var length = tokens.Length / streams;
        for (var begin = 0; begin < length; begin += PromptPositions)
        {
            var count = Math.Min(PromptPositions, length - begin);
            var piece = new int[streams * count];
            for (var i = 0; i < streams; i++) tokens.Slice(i * length + begin, count).CopyTo(piece.AsSpan(i * count));
            using var device = DeviceTensor.From<int>(_stream, piece, streams, count);
            _model.Forward(_stream, device, _parts, _logits);
        }
        _logits.CopyTo(_stream, logits);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _tokens.Dispose();
        _logits.Dispose();
        State.Dispose();
    }

    private void Check(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        var vocabulary = _model.Options.Vocabulary;
        if (logits.Length != State.Streams * vocabulary)
            throw new ArgumentException($"there is room for {logits.Length} logits, {State.Streams} streams of {vocabulary} come", nameof(logits));
        foreach (var token in tokens)
            if ((uint)token >= (uint)vocabulary) throw new ArgumentException($"token {token} is not in the vocabulary of {vocabulary}", nameof(tokens));
    }
}
