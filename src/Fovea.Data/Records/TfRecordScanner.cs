namespace Fovea.Data;

/// <summary>Finds records in a window of bytes that slides over a file. All readers share it: it knows nothing of streams, so
/// synchronous, asynchronous and mapped reading behave alike.</summary>
internal struct TfRecordScanner(string name, TfRecordReaderOptions options, long position)
{
    // Between damage and the next sound record.
    private bool _lost;

    /// <summary>Bytes of the file before the window.</summary>
    internal long Position { get; private set; } = position;

    /// <summary>Bytes skipped because of damage.</summary>
    internal long SkippedBytes { get; private set; }

    /// <summary>Stretches of damage that were skipped.</summary>
    internal long SkippedRegions { get; private set; }

    /// <summary>Looks for the next record. <paramref name="consumed"/> bytes of the window are done with in any case, and the
    /// next window starts behind them.</summary>
    /// <param name="window">The file from <see cref="Position"/> on, or the part of it that is there.</param>
    /// <param name="isFinal">The window reaches to the end of the file.</param>
    /// <param name="consumed">Bytes to move the window by.</param>
    /// <param name="data">The record's data, in <paramref name="window"/>.</param>
    /// <param name="needed">Where more is needed: the least length that the window must have, after it was moved.</param>
    /// <exception cref="TfRecordException">The record is damaged; the position stays before it.</exception>
    internal TfRecordStep Next(ReadOnlySpan<byte> window, bool isFinal, out int consumed, out Range data, out int needed)
    {
        var at = 0;
        data = default;
        needed = 0;
        while (true)
        {
            var rest = window[at..];
            if (rest.Length < TfRecordFraming.HeaderBytes)
            {
                if (!isFinal) return Stop(TfRecordStep.NeedMore, at, TfRecordFraming.HeaderBytes, out consumed, out needed);
                if (!rest.IsEmpty)
                    Lose(at, rest.Length, TfRecordError.Truncated, $"truncated: the file ends after {rest.Length} of 12 header bytes");
                return Stop(TfRecordStep.End, window.Length, 0, out consumed, out needed);
            }
            if (!TfRecordFraming.TryReadLength(rest, out var length))
            {
                Lose(at++, 1, TfRecordError.CorruptedLength, "corrupted: the checksum of the length does not match");
                continue;
            }
            if (length > (ulong)options.MaxRecordBytes)
            {
                Lose(at++, 1, TfRecordError.TooLong, $"its length of {length} bytes exceeds the limit of {options.MaxRecordBytes}");
                continue;
            }
            var total = TfRecordFraming.Overhead + (int)length;
            if (rest.Length < total)
            {
                if (!isFinal) return Stop(TfRecordStep.NeedMore, at, total, out consumed, out needed);
                Lose(at++, 1, TfRecordError.Truncated, $"truncated: the file ends after {rest.Length} of {total} bytes");
                continue;
            }
            if (options.VerifyData && !TfRecordFraming.IsSound(rest[TfRecordFraming.HeaderBytes..total]))
            {
                // The length is right if a record, or the end, follows it. Otherwise a writer may have died in the middle of
                // this one, and others may have been appended inside of what would be its data.
                var next = total + TfRecordFraming.HeaderBytes;
                if (options.SkipDamaged && rest.Length < next && !isFinal)
                    return Stop(TfRecordStep.NeedMore, at, next, out consumed, out needed);
                var isEnd = isFinal && rest.Length == total;
                var lost = isEnd || (rest.Length >= next && TfRecordFraming.TryReadLength(rest[total..], out _)) ? total : 1;
                Lose(at, lost, TfRecordError.CorruptedData, "corrupted: the checksum of the data does not match");
                at += lost;
                continue;
            }
            _lost = false;
            var start = at + TfRecordFraming.HeaderBytes;
            data = start..(start + (int)length);
            return Stop(TfRecordStep.Record, at + total, 0, out consumed, out needed);
        }
    }

    private TfRecordStep Stop(TfRecordStep step, int at, int least, out int consumed, out int needed)
    {
        consumed = at;
        needed = least;
        Position += at;
        return step;
    }

    private void Lose(int at, int count, TfRecordError error, string problem)
    {
        if (!options.SkipDamaged) throw new TfRecordException(name, Position + at, error, problem);
        if (!_lost) SkippedRegions++;
        _lost = true;
        SkippedBytes += count;
    }
}
