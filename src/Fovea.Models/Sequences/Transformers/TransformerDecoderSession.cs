using System.Runtime.InteropServices;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Writes tokens one by one for a batch of independent streams: keys and values of the past stay in caches of a fixed capacity, a
/// step is one captured graph, and streams may have different lengths.
/// <para>A session serves one thread at a time; any number of sessions share one <see cref="PreparedDecoder"/>. A step allocates no
/// managed memory. Results are deterministic.</para></summary>
public sealed class TransformerDecoderSession : IDisposable
{
    private const int Columns = 4; // tokens, positions, rows, lengths

    private readonly PreparedDecoder _decoder;
    private readonly DeviceStream _stream;
    private readonly KeyValueCache[] _self;
    private readonly KeyValueCache[] _cross;
    private readonly DecoderPass _pass;
    private readonly int[] _lengths;
    private readonly DeviceTensor _inputs; // i32 [4][streams]
    private readonly DeviceTensor? _memoryLengths; // i32 [streams]
    private readonly DeviceTensor _logits; // [streams][vocabulary]
    private readonly PinnedBuffer _host; // what _inputs gets in the next step
    private readonly CapturedGraph _step;

    /// <summary>Allocates the caches and captures a step.</summary>
    /// <param name="decoder">Packed weights; must live longer.</param>
    /// <param name="stream">Where the work goes; the caller's.</param>
    /// <param name="streams">Sequences that advance together.</param>
    /// <param name="capacity">Longest sequence, at most the model's <see cref="TransformerOptions.MaxLength"/>.</param>
    /// <param name="memoryCapacity">Longest encoder output; only with an encoder.</param>
    public TransformerDecoderSession(PreparedDecoder decoder, DeviceStream stream, int streams, int capacity, int memoryCapacity = 0)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(streams, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var options = decoder.Options;
        if (options.Positions != PositionKind.None) ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, options.MaxLength);
        if (options.EncoderLayers > 0) ArgumentOutOfRangeException.ThrowIfLessThan(memoryCapacity, 1);
        (_decoder, _stream, Streams, Capacity, MemoryCapacity) = (decoder, stream, streams, capacity, memoryCapacity);
        _lengths = new int[streams];
        try
        {
            _self = Caches(capacity);
            _cross = options.EncoderLayers > 0 ? Caches(memoryCapacity) : [];
            if (options.EncoderLayers > 0) _memoryLengths = DeviceTensor.From<int>(stream, new int[streams], streams);
            _pass = new DecoderPass(decoder, _self, _cross);
            _inputs = DeviceTensor.Allocate(stream, DType.Int32, Columns, streams);
            _logits = DeviceTensor.Allocate(stream, DType.Float32, streams, options.Vocabulary);
            _host = new PinnedBuffer(stream.Device, Columns * streams * sizeof(int));
            using var capture = stream.BeginCapture();
            _inputs.CopyFrom(stream, _host);
            using (var x = _pass.Run(stream, Batch(0, streams, 1, Row(0), Row(1), Row(2), Row(3))))
                decoder.Logits.Forward(stream, x, _logits);
            _step = capture.End();
        }
        catch
        {
            Dispose();
            throw;
        }

        KeyValueCache[] Caches(int length) => [.. decoder.Layers.Select(_ => new KeyValueCache(stream, options, streams, length))];
        DeviceTensor Row(int row) => _inputs.Rows(row, 1).Reshape(streams);
    }

    /// <summary>Sequences that advance together.</summary>
    public int Streams { get; }

    /// <summary>Longest sequence.</summary>
    public int Capacity { get; }

    /// <summary>Longest encoder output.</summary>
    public int MemoryCapacity { get; }

    /// <summary>Number of tokens.</summary>
    public int Vocabulary => _decoder.Options.Vocabulary;

    /// <summary>Tokens of each stream so far.</summary>
    public ReadOnlySpan<int> Lengths => _lengths;

    /// <summary>Gives all streams the encoder's output, whose keys and values are computed once.</summary>
    /// <param name="memory">[streams][M][width], M at most <see cref="MemoryCapacity"/>.</param>
    /// <param name="lengths">Positions that count, by stream.</param>
    public void SetMemory(DeviceTensor memory, ReadOnlySpan<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (_memoryLengths is null) throw new InvalidOperationException("the model has no encoder");
        var width = _decoder.Options.Width;
        if (memory.Rank != 3 || memory.Shape[0] != Streams || memory.Shape[1] > MemoryCapacity || memory.Shape[2] != width)
            throw new ArgumentException($"the memory is {memory}, not [{Streams}, up to {MemoryCapacity}, {width}]", nameof(memory));
        if (lengths.Length != Streams) throw new ArgumentException($"{lengths.Length} lengths for {Streams} streams", nameof(lengths));
        foreach (var length in lengths)
            if (length < 0 || length > memory.Shape[1])
                throw new ArgumentOutOfRangeException(nameof(lengths), $"{length} of {memory.Shape[1]} positions");
        _memoryLengths.CopyFrom(_stream, lengths);
        var positions = memory.Shape[1];
        var rows = new int[Streams * positions];
        for (var i = 0; i < rows.Length; i++) rows[i] = (int)(i / positions * MemoryCapacity + i % positions);
        using var places = DeviceTensor.From<int>(_stream, rows, rows.Length);
        var x = memory.Reshape(Streams * positions, width);
        for (var i = 0; i < _cross.Length; i++)
        {
            var attention = _decoder.Layers[i].Cross!;
            using var k = attention.Keys.Forward(_stream, x);
            using var v = attention.Values.Forward(_stream, x);
            _cross[i].Clear(_stream, 0, Streams);
            _cross[i].Append(_stream, k, v, places);
        }
    }

    /// <summary>Reads several tokens of one stream at once and gives the logits behind the last one. Allocates.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="tokens">At least one; they follow what the stream holds already.</param>
    /// <param name="logits">Room for <see cref="Vocabulary"/> numbers.</param>
    /// <exception cref="InvalidOperationException">The stream has no room for them.</exception>
    public void Prefill(int stream, ReadOnlySpan<int> tokens, Span<float> logits)
    {
        CheckStream(stream);
        CheckLogits(logits.Length, 1);
        if (tokens.IsEmpty) throw new ArgumentException("no tokens", nameof(tokens));
        foreach (var token in tokens) CheckToken(token);
        var (start, count) = (_lengths[stream], tokens.Length);
        if (count > Capacity - start)
            throw new InvalidOperationException($"stream {stream} holds {start} of {Capacity} tokens, {count} more do not fit");
        var (positions, rows) = (new int[count], new int[count]);
        for (var i = 0; i < count; i++) (positions[i], rows[i]) = (start + i, stream * Capacity + start + i);
        using var t = DeviceTensor.From(_stream, tokens, count);
        using var p = DeviceTensor.From<int>(_stream, positions, count);
        using var r = DeviceTensor.From<int>(_stream, rows, count);
        using var l = DeviceTensor.From<int>(_stream, [start + count], 1);
        using var x = _pass.Run(_stream, Batch(stream, 1, count, t, p, r, l));
        var last = _logits.Rows(stream, 1);
        _decoder.Logits.Forward(_stream, x.Rows(count - 1, 1), last);
        _lengths[stream] = start + count;
        last.CopyTo(_stream, logits);
    }

    /// <summary>Reads one token of each stream and gives the logits behind it.</summary>
    /// <param name="tokens">By stream; -1: the stream pauses and its logits have no meaning.</param>
    /// <param name="logits">Room for streams * <see cref="Vocabulary"/> numbers, stream by stream.</param>
    /// <exception cref="InvalidOperationException">A stream is full; nothing changed.</exception>
    public void Step(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        if (tokens.Length != Streams) throw new ArgumentException($"{tokens.Length} tokens for {Streams} streams", nameof(tokens));
        CheckLogits(logits.Length, Streams);
        for (var s = 0; s < Streams; s++)
        {
            if (tokens[s] == -1) continue;
            CheckToken(tokens[s]);
            if (_lengths[s] == Capacity) throw new InvalidOperationException($"stream {s} is full: it holds {Capacity} tokens");
        }
        // Free to write: the step before has been read, so its copy is over.
        var host = MemoryMarshal.Cast<byte, int>(_host.GetSpan());
        for (var s = 0; s < Streams; s++)
        {
            var moves = tokens[s] != -1;
            host[s] = tokens[s];
            host[Streams + s] = _lengths[s];
            host[2 * Streams + s] = moves ? s * Capacity + _lengths[s] : -1;
            if (moves) _lengths[s]++;
            host[3 * Streams + s] = _lengths[s];
        }
        _step.Replay(_stream);
        _logits.CopyTo(_stream, logits);
    }

    /// <summary>All streams begin again. The encoder's output stays.</summary>
    public void Reset()
    {
        foreach (var cache in _self) cache.Clear(_stream, 0, Streams);
        Array.Clear(_lengths);
    }

    /// <summary>One stream begins again; the others go on.</summary>
    public void Reset(int stream)
    {
        CheckStream(stream);
        foreach (var cache in _self) cache.Clear(_stream, stream, 1);
        _lengths[stream] = 0;
    }

    /// <summary>One stream forgets the tokens behind its first <paramref name="length"/>: a prompt is read once and continued more than
    /// once, or guesses that were wrong are taken back.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="length">Tokens that stay, at most those the stream holds.</param>
    public void Truncate(int stream, int length)
    {
        CheckStream(stream);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _lengths[stream]);
        foreach (var cache in _self) cache.Clear(_stream, stream, length, _lengths[stream] - length);
        _lengths[stream] = length;
    }

    /// <summary>Stream s goes on from the past of stream parents[s], as beams do. The encoder's output of a stream stays its own.</summary>
    public void Reorder(ReadOnlySpan<int> parents)
    {
        if (parents.Length != Streams) throw new ArgumentException($"{parents.Length} parents for {Streams} streams", nameof(parents));
        var isSame = true;
        for (var s = 0; s < Streams; s++)
        {
            CheckStream(parents[s]);
            isSame &= parents[s] == s;
        }
        if (isSame) return;
        using var order = DeviceTensor.From(_stream, parents, Streams);
        foreach (var cache in _self) cache.Reorder(_stream, order);
        var before = _lengths.ToArray();
        for (var s = 0; s < Streams; s++) _lengths[s] = before[parents[s]];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step?.Dispose();
        foreach (var cache in _self ?? []) cache.Dispose();
        foreach (var cache in _cross ?? []) cache.Dispose();
        _inputs?.Dispose();
        _memoryLengths?.Dispose();
        _logits?.Dispose();
        (_host as IDisposable)?.Dispose();
    }

    private DecoderPass.Inputs Batch(int first, int streams, int length,
        DeviceTensor tokens, DeviceTensor positions, DeviceTensor rows, DeviceTensor lengths) =>
        new(first, streams, length, tokens, positions, rows, lengths, _memoryLengths?.Rows(first, streams));

    private void CheckStream(int stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stream, Streams);
    }

    private void CheckToken(int token)
    {
        if ((uint)token >= (uint)Vocabulary)
            throw new ArgumentOutOfRangeException(nameof(token), $"token {token} is not in a vocabulary of {Vocabulary}");
    }

    private void CheckLogits(int length, int rows)
    {
        if (length != rows * Vocabulary)
            throw new ArgumentException($"the logits have {rows} * {Vocabulary} numbers, the span has {length}", nameof(length));
    }
}
