namespace Fovea.Data;

/// <summary>Many TFRecord files read as one, in an order that depends only on the list of files, the options and the seed.
/// Memory is bounded by the shuffle buffer: records of uncompressed files are not copied at all. One thread at a
/// time.</summary>
public sealed class TfRecordDataset : IDisposable
{
    private readonly TfRecordDatasetOptions _options;
    private readonly string[] _paths;
    private readonly List<RecordSource> _open = [];
    private readonly List<RecordSource> _ended = [];
    private readonly ShuffleBuffer? _shuffle;
    private long _skippedBytes;
    private int _next;
    private int _turn;
    private int _taken;

    /// <summary>Reads files; nothing is opened before the first record is asked for.</summary>
    public TfRecordDataset(IEnumerable<string> paths, TfRecordDatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        _options = options ?? new TfRecordDatasetOptions();
        _options.Validate();
        _paths = [.. paths.Where((_, i) => i % _options.ShardCount == _options.ShardIndex)];
        if (_options.ShuffleBuffer > 1) _shuffle = new ShuffleBuffer(_options.ShuffleBuffer, _options.Seed);
    }

    /// <summary>The record that was read last, valid until the next one is read.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>Records given so far: where a new reader of the same files resumes with <see cref="Skip"/>.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes skipped so far because of damage.</summary>
    public long SkippedBytes => _skippedBytes + _open.Sum(source => source.SkippedBytes);

    /// <summary>Whether records stay valid until the dataset is disposed: no file that was opened so far is
    /// compressed.</summary>
    internal bool Stays { get; private set; } = true;

    /// <summary>Reads the next record into <see cref="Current"/>; false at the end.</summary>
    /// <exception cref="TfRecordException">A record is truncated or damaged.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read.</exception>
    public bool Read()
    {
        ReadOnlyMemory<byte> record;
        if (_shuffle is null)
        {
            if (!TryReadInOrder(out record, out _)) return false;
        }
        else
        {
            while (!_shuffle.IsFull && TryReadInOrder(out record, out var stays)) _shuffle.Add(record, stays);
            if (!_shuffle.TryTake(out record)) return false;
        }
        Current = record;
        Position++;
        return true;
    }

    /// <summary>Passes over records: with the <see cref="Position"/> of an earlier reader, what follows is what followed there.
    /// They are read and verified again.</summary>
    /// <returns>How many there were, fewer only at the end.</returns>
    public long Skip(long count)
    {
        long skipped = 0;
        while (skipped < count && Read()) skipped++;
        return skipped;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var source in _open) source.Dispose();
        foreach (var source in _ended) source.Dispose();
        _open.Clear();
        _ended.Clear();
        _next = _paths.Length;
    }

    private bool TryReadInOrder(out ReadOnlyMemory<byte> record, out bool stays)
    {
        while (true)
        {
            while (_open.Count < _options.Cycle && _next < _paths.Length) _open.Add(Open());
            if (_open.Count == 0)
            {
                (record, stays) = (default, false);
                return false;
            }
            if (_taken == _options.Block) EndTurn();
            var source = _open[_turn];
            if (source.TryRead(out record))
            {
                _taken++;
                stays = source.Stays;
                return true;
            }
            Replace(source);
        }
    }

    private void EndTurn()
    {
        _taken = 0;
        _turn = (_turn + 1) % _open.Count;
    }

    // The next file takes the place and the rest of the turn; where there is none, the others move up.
    private void Replace(RecordSource source)
    {
        _skippedBytes += source.SkippedBytes;
        // The shuffle buffer may still hold records of a mapped file; the others are copies.
        if (source.Stays) _ended.Add(source);
        else source.Dispose();
        if (_next < _paths.Length)
        {
            _open[_turn] = Open();
            return;
        }
        _open.RemoveAt(_turn);
        _taken = 0;
        if (_turn == _open.Count) _turn = 0;
    }

    private RecordSource Open()
    {
        var source = new RecordSource(_paths[_next++], _options.Reader);
        Stays &= source.Stays;
        return source;
    }
}
