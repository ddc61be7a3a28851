using System.Buffers;

namespace Fovea.Data;

/// <summary>Writes records to a stream. Records reach the stream whole, and in pieces of at least 64 KiB until
/// <see cref="Flush"/>. One thread at a time. The uncompressed bytes are those that TensorFlow writes.</summary>
public sealed class TfRecordWriter : IDisposable, IAsyncDisposable
{
    private const int FlushBytes = 64 << 10;

    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushBytes + 1024);
    private bool _disposed;

    /// <summary>Writes to a stream from its current position on.</summary>
    public TfRecordWriter(Stream stream, TfRecordWriterOptions? options = null, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        options ??= new TfRecordWriterOptions();
        _stream = CompressedStream.ForWriting(stream, options.Compression, options.Level, leaveOpen);
        _leaveOpen = leaveOpen && _stream == stream;
    }

    /// <summary>Creates a file; an existing one is replaced.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static TfRecordWriter Create(string path, TfRecordWriterOptions? options = null) => new(
        new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous), options);

    /// <summary>Where the next record starts, in bytes of the uncompressed stream; 0 for the first record of this
    /// writer.</summary>
    public long Position { get; private set; }

    /// <summary>Adds a record.</summary>
    public void Write(ReadOnlySpan<byte> record)
    {
        Frame(record);
        if (_buffer.WrittenCount >= FlushBytes) WriteBuffer();
    }

    /// <inheritdoc cref="Write"/>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default)
    {
        Frame(record.Span);
        return _buffer.WrittenCount >= FlushBytes ? WriteBufferAsync(cancellationToken) : ValueTask.CompletedTask;
    }

    /// <summary>Brings all records to the stream's owner. A compressed stream goes on after it.</summary>
    public void Flush()
    {
        WriteBuffer();
        _stream.Flush();
    }

    /// <inheritdoc cref="Flush"/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        await WriteBufferAsync(cancellationToken).ConfigureAwait(false);
        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what is left and closes the stream, unless it was to be left open.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        WriteBuffer();
        _disposed = true;
        if (!_leaveOpen) _stream.Dispose();
    }

    /// <inheritdoc cref="Dispose"/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        await WriteBufferAsync(default).ConfigureAwait(false);
        _disposed = true;
        if (!_leaveOpen) await _stream.DisposeAsync().ConfigureAwait(false);
    }

    private void Frame(ReadOnlySpan<byte> record)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var total = TfRecordFraming.Overhead + record.Length;
        var frame = _buffer.GetSpan(total)[..total];
        TfRecordFraming.WriteHeader(frame, record.Length);
        record.CopyTo(frame[TfRecordFraming.HeaderBytes..]);
        TfRecordFraming.WriteFooter(frame[^TfRecordFraming.FooterBytes..], record);
        _buffer.Advance(total);
        Position += total;
    }

    private void WriteBuffer()
    {
        _stream.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }

    private async ValueTask WriteBufferAsync(CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(_buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _buffer.ResetWrittenCount();
    }
}
