namespace Fovea.Data;

/// <summary>Records of a file in memory, without a copy: <c>foreach (var record in new TfRecordSpanReader(bytes))</c>. A record
/// is valid as long as the bytes are.</summary>
public ref struct TfRecordSpanReader
{
    private static readonly TfRecordReaderOptions Default = new();

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly MappedFile? _file;
    private readonly long _length;
    private TfRecordScanner _scanner;

    /// <summary>Reads bytes that hold whole, uncompressed records; <paramref name="name"/> is for messages.</summary>
    public TfRecordSpanReader(ReadOnlySpan<byte> bytes, TfRecordReaderOptions? options = null, string name = "memory")
    {
        TfRecordFile.RequireUncompressed(options, name);
        _bytes = bytes;
        _length = bytes.Length;
        _scanner = new TfRecordScanner(name, options ?? Default, 0);
    }

    internal TfRecordSpanReader(MappedFile file, TfRecordReaderOptions options, string name, long offset)
    {
        _file = file;
        _length = file.Length;
        _scanner = new TfRecordScanner(name, options, offset);
    }

    /// <summary>The record that <see cref="MoveNext"/> found.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Where the next record starts, in bytes from the start of the file: reading can be resumed there.</summary>
    public readonly long Position => _scanner.Position;

    /// <summary>Bytes skipped so far because of damage; see <see cref="TfRecordReaderOptions.SkipDamaged"/>.</summary>
    public readonly long SkippedBytes => _scanner.SkippedBytes;

    /// <summary>Stretches of damage skipped so far.</summary>
    public readonly long SkippedRegions => _scanner.SkippedRegions;

    /// <summary>This reader, for <c>foreach</c>.</summary>
    public readonly TfRecordSpanReader GetEnumerator() => this;

    /// <summary>Goes to the next record; false at the end.</summary>
    /// <exception cref="TfRecordException">The record is truncated or damaged.</exception>
    public bool MoveNext()
    {
        while (true)
        {
            var window = _file is null ? _bytes[(int)_scanner.Position..] : _file.Window(_scanner.Position);
            var step = _scanner.Next(window, _scanner.Position + window.Length == _length, out _, out var data, out _);
            // Only a window of 2 GiB that damage filled up asks for more; the next one starts behind that.
            if (step == TfRecordStep.NeedMore) continue;
            Current = window[data];
            return step == TfRecordStep.Record;
        }
    }
}
