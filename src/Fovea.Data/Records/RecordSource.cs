namespace Fovea.Data;

/// <summary>One file of a dataset while it is read: mapped where it is not compressed, else decompressed on another
/// thread.</summary>
internal sealed class RecordSource : IDisposable
{
    private readonly TfRecordFile? _file;
    private readonly ReadAhead? _reader;
    private TfRecordScanner _scanner;

    internal RecordSource(string path, TfRecordReaderOptions options)
    {
        if (options.Compression == TfRecordCompression.Detect)
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            options = options with { Compression = CompressedStream.Detect(stream) };
        }
        if (options.Compression != TfRecordCompression.None)
        {
            _reader = new ReadAhead(TfRecordReader.Open(path, options));
            return;
        }
        _file = new TfRecordFile(path, options);
        _scanner = new TfRecordScanner(path, options, 0);
    }

    /// <summary>Whether records are valid until the source is disposed, and not only until the next one.</summary>
    internal bool Stays => _file is not null;

    internal long SkippedBytes => _reader?.SkippedBytes ?? _scanner.SkippedBytes;

    internal bool TryRead(out ReadOnlyMemory<byte> record)
    {
        if (_file is not null) return _file.TryRead(ref _scanner, out record);
        return _reader!.TryRead(out record);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _reader?.Dispose();
    }
}
