namespace Fovea.Data;

/// <summary>The compressed bytes below a <see cref="System.IO.Compression.GZipStream"/> or
/// <see cref="System.IO.Compression.ZLibStream"/>. These take the end of their input for the end of the data, even inside of a
/// deflate block; this stream sees whether they wanted more.</summary>
internal sealed class CompressedInput(Stream inner, bool leaveOpen) : Stream
{
    private static readonly byte[] NoMember = [0xff, 0xff];

    private bool _isEmpty = true;
    private bool _probes;
    private int _probed;

    /// <summary>Whether the end was reached and more was asked for.</summary>
    internal bool IsExhausted { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Whether the decompressed stream above has really ended, after it gave its last byte. ZLIB asks for nothing
    /// behind its end. GZIP looks for another member: it gets two bytes that begin none, which it leaves alone if it has ended,
    /// and takes for data, asking for more, if it has not. (As the last bytes of a trailer they would say that all data was
    /// there.)</summary>
    internal bool HasEnded(Stream above, TfRecordCompression compression)
    {
        if (_isEmpty) return true;
        if (compression == TfRecordCompression.Zlib) return !IsExhausted;
        _probes = true;
        IsExhausted = false;
        try
        {
            return above.ReadByte() < 0 && !IsExhausted;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    public override int Read(Span<byte> buffer) => _probes ? Probe(buffer) : Count(inner.Read(buffer));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _probes ? Probe(buffer.Span) : Count(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen) inner.Dispose();
        base.Dispose(disposing);
    }

    private int Probe(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, NoMember.Length - _probed);
        NoMember.AsSpan(_probed, count).CopyTo(buffer);
        _probed += count;
        IsExhausted = count == 0;
        return count;
    }

    private int Count(int count)
    {
        if (count == 0) IsExhausted = true;
        else _isEmpty = false;
        return count;
    }
}
