using System.Buffers;
using System.Runtime.CompilerServices;

namespace Fovea.Data;

/// <summary>Reads records from a stream, compressed or not, one after the other. One thread at a time. A record is valid until
/// the next one is read; once the buffer has the size of the largest record, reading allocates nothing.</summary>
public sealed class TfRecordReader : IDisposable, IAsyncDisposable
{
    private const int SmallestBuffer = 256 << 10;

    private readonly Stream _stream;
    private readonly CompressedInput? _compressed;
    private readonly string _name;
    private readonly bool _leaveOpen;
    private readonly bool _skipsDamage;
    private TfRecordScanner _scanner;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(SmallestBuffer);
    private int _start;
    private int _end;
    private bool _isFinal;
    private bool _hasEnded;
    private bool _disposed;

    /// <summary>Reads a stream from its current position; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="NotSupportedException">Compression is to be detected and the stream cannot seek.</exception>
    public TfRecordReader(Stream stream, TfRecordReaderOptions? options = null, bool leaveOpen = false, string name = "stream")
        : this(stream, options, leaveOpen, name, 0)
    {
    }

    private TfRecordReader(Stream stream, TfRecordReaderOptions? options, bool leaveOpen, string name, long position)
    {
        ArgumentNullException.ThrowIfNull(stream);
        options ??= new TfRecordReaderOptions();
        Compression = options.Compression == TfRecordCompression.Detect ? CompressedStream.Detect(stream) : options.Compression;
        _compressed = Compression == TfRecordCompression.None ? null : new CompressedInput(stream, leaveOpen);
        _stream = _compressed is null ? stream : CompressedStream.ForReading(_compressed, Compression);
        _leaveOpen = leaveOpen && _compressed is null;
        _skipsDamage = options.SkipDamaged;
        _name = name;
        _scanner = new TfRecordScanner(name, options, position);
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to read it.</param>
    /// <param name="position">Where the first record to read starts, as <see cref="Position"/> said: a compressed file is
    /// decompressed up to there.</param>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    /// <exception cref="TfRecordException">The file ends before <paramref name="position"/>.</exception>
    public static TfRecordReader Open(string path, TfRecordReaderOptions? options = null, long position = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        var file = new FileStream(path, new FileStreamOptions
        {
            BufferSize = 0,
            Options = FileOptions.SequentialScan | FileOptions.Asynchronous,
        });
        var reader = new TfRecordReader(file, options, leaveOpen: false, path, position);
        try
        {
            reader.Discard(file, position);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Compression of the stream; what was found where it was to be detected.</summary>
    public TfRecordCompression Compression { get; }

    /// <summary>The record that was read last.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>Where the next record starts, in bytes of the uncompressed stream: see <see cref="Open"/>.</summary>
    public long Position => _scanner.Position;

    /// <summary>Bytes skipped so far because of damage; see <see cref="TfRecordReaderOptions.SkipDamaged"/>.</summary>
    public long SkippedBytes => _scanner.SkippedBytes;

    /// <summary>Stretches of damage skipped so far.</summary>
    public long SkippedRegions => _scanner.SkippedRegions;

    /// <summary>Reads the next record into <see cref="Current"/>; false at the end.</summary>
    /// <exception cref="TfRecordException">The record is truncated or damaged.</exception>
    public bool Read()
    {
        int needed;
        TfRecordStep step;
        while ((step = Step(out needed)) == TfRecordStep.NeedMore)
        {
            try
            {
                Filled(_stream.Read(MakeRoom(needed).Span));
            }
            catch (InvalidDataException e)
            {
                throw Damaged(e);
            }
        }
        return step == TfRecordStep.Record;
    }

    /// <inheritdoc cref="Read"/>
    public ValueTask<bool> ReadAsync(CancellationToken cancellationToken = default) =>
        Step(out var needed) is var step && step == TfRecordStep.NeedMore
            ? ReadMoreAsync(needed, cancellationToken)
            : new ValueTask<bool>(step == TfRecordStep.Record);

    /// <summary>The records from here on; each is valid until the next one is asked for.</summary>
    /// <exception cref="TfRecordException">A record is truncated or damaged.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken).ConfigureAwait(false)) yield return Current;
    }

    /// <summary>Closes the stream, unless it was to be left open.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        Release();
        if (!_leaveOpen) _stream.Dispose();
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        if (_disposed) return ValueTask.CompletedTask;
        Release();
        return _leaveOpen ? ValueTask.CompletedTask : _stream.DisposeAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReadMoreAsync(int needed, CancellationToken cancellationToken)
    {
        TfRecordStep step;
        do
        {
            try
            {
                Filled(await _stream.ReadAsync(MakeRoom(needed), cancellationToken).ConfigureAwait(false));
            }
            catch (InvalidDataException e)
            {
                throw Damaged(e);
            }
        }
        while ((step = Step(out needed)) == TfRecordStep.NeedMore);
        return step == TfRecordStep.Record;
    }

    private TfRecordStep Step(out int needed)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var window = _buffer.AsSpan(_start, _end - _start);
        var step = _scanner.Next(window, _isFinal, out var consumed, out var data, out needed);
        var (offset, length) = data.GetOffsetAndLength(window.Length);
        Current = step == TfRecordStep.Record ? _buffer.AsMemory(_start + offset, length) : default;
        _start += consumed;
        if (step == TfRecordStep.End) CheckEnd();
        return step;
    }

    // A compressed file that was cut between two records has lost the rest, or at least its checksum.
    private void CheckEnd()
    {
        if (_hasEnded || _compressed is null) return;
        if (!_skipsDamage && !_compressed.HasEnded(_stream, Compression))
            throw new TfRecordException(_name, Position, TfRecordError.Truncated, $"truncated: the {Compression} stream ends before its end");
        _hasEnded = true;
    }

    // Free space behind the data, which moves to the front. The buffer grows with the data that arrived, never ahead of it to a
    // length that only a header claims.
    private Memory<byte> MakeRoom(int needed)
    {
        var count = _end - _start;
        if (_buffer.Length < needed && _buffer.Length - count < SmallestBuffer / 2)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(needed, 2L * _buffer.Length));
            _buffer.AsSpan(_start, count).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        else
        {
            _buffer.AsSpan(_start, count).CopyTo(_buffer);
        }
        (_start, _end) = (0, count);
        return _buffer.AsMemory(count);
    }

    private void Filled(int count)
    {
        _end += count;
        _isFinal = count == 0;
    }

    private void Discard(FileStream file, long position)
    {
        if (_stream == file)
        {
            if (position > file.Length) throw EndsBefore(position);
            file.Position = position;
            return;
        }
        while (position > 0)
        {
            var count = _stream.Read(_buffer, 0, (int)Math.Min(position, _buffer.Length));
            if (count == 0) throw EndsBefore(position);
            position -= count;
        }
    }

    private TfRecordException EndsBefore(long position) =>
        new(_name, position, TfRecordError.Truncated, "truncated: the file ends before it");

    private TfRecordException Damaged(InvalidDataException e) => new(
        _name, Position, TfRecordError.CorruptedCompression, $"corrupted: the {Compression} stream is damaged: {e.Message}", e);

    private void Release()
    {
        _disposed = true;
        Current = default;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
