namespace Fovea.Data;

/// <summary>An uncompressed TFRecord file, mapped into memory: records are read without a copy, in order or by their offset.
/// Thread-safe but for <see cref="Dispose"/>. Records are valid until the file is disposed, and reading one later ends the
/// process; a file that is never disposed stays mapped. Nobody may shorten the file while it is open.</summary>
public sealed class TfRecordFile : IDisposable
{
    private readonly MappedFile _map;
    private readonly TfRecordReaderOptions _options;

    /// <summary>Maps a file.</summary>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    /// <exception cref="ArgumentException">The options ask for compression: use <see cref="TfRecordReader"/>.</exception>
    public TfRecordFile(string path, TfRecordReaderOptions? options = null)
    {
        RequireUncompressed(options, path);
        Name = path;
        _options = options ?? new TfRecordReaderOptions();
        _map = new MappedFile(path);
    }

    /// <summary>The file's path.</summary>
    public string Name { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length => _map.Length;

    /// <summary>Reads from the record that starts at <paramref name="offset"/> on.</summary>
    public TfRecordSpanReader Read(long offset = 0)
    {
        CheckOffset(offset);
        return new TfRecordSpanReader(_map, _options, Name, offset);
    }

    /// <summary>The record that starts at <paramref name="offset"/>. Never skips, whatever the options say.</summary>
    /// <exception cref="TfRecordException">There is no sound record.</exception>
    public ReadOnlyMemory<byte> ReadAt(long offset)
    {
        CheckOffset(offset);
        var scanner = new TfRecordScanner(Name, _options.SkipDamaged ? _options with { SkipDamaged = false } : _options, offset);
        var window = _map.Window(offset);
        var step = scanner.Next(window, isFinal: true, out _, out var data, out _);
        if (step != TfRecordStep.Record)
            throw new TfRecordException(Name, offset, TfRecordError.Truncated, "truncated: the file ends before it");
        var (start, length) = data.GetOffsetAndLength(window.Length);
        return _map.Memory(offset + start, length);
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose() => _map.Dispose();

    /// <summary>Looks for the next record after <paramref name="scanner"/>'s position; it stays where it is in
    /// memory.</summary>
    internal bool TryRead(ref TfRecordScanner scanner, out ReadOnlyMemory<byte> record)
    {
        while (true)
        {
            var position = scanner.Position;
            var window = _map.Window(position);
            var step = scanner.Next(window, position + window.Length == Length, out _, out var data, out _);
            if (step == TfRecordStep.NeedMore) continue;
            var (start, length) = data.GetOffsetAndLength(window.Length);
            record = step == TfRecordStep.Record ? _map.Memory(position + start, length) : default;
            return step == TfRecordStep.Record;
        }
    }

    internal ReadOnlySpan<byte> Window(long position) => _map.Window(position);

    internal static void RequireUncompressed(TfRecordReaderOptions? options, string name)
    {
        if (options is { Compression: not TfRecordCompression.None })
            throw new ArgumentException($"{name}: compressed records cannot be read in place; use {nameof(TfRecordReader)}", nameof(options));
    }

    private void CheckOffset(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
    }
}
