using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Fovea.Data;

/// <summary>Reads a compressed file on a thread of its own, a few blocks ahead. The order is that of the file, and so is the
/// place where damage shows.</summary>
internal sealed class ReadAhead : IDisposable
{
    private const int Blocks = 3;
    private const int BlockBytes = 1 << 20;

    private readonly TfRecordReader _reader;
    private readonly BlockingCollection<RecordBlock> _free = new(Blocks);
    private readonly BlockingCollection<RecordBlock> _full = new(Blocks);
    private readonly Task _pump;
    private volatile bool _stopped;
    private RecordBlock? _current;
    private int _next;
    private ExceptionDispatchInfo? _failure;
    private long _skippedBytes;

    internal ReadAhead(TfRecordReader reader)
    {
        _reader = reader;
        for (var i = 0; i < Blocks; i++) _free.Add(new RecordBlock());
        // It waits for its consumer most of the time, which the thread pool does not like.
        _pump = Task.Factory.StartNew(Pump, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    internal long SkippedBytes => Interlocked.Read(ref _skippedBytes);

    internal bool TryRead(out ReadOnlyMemory<byte> record)
    {
        while (_current is null || _next == _current.Count)
        {
            if (_current is not null)
            {
                _free.Add(_current);
                _current = null;
            }
            if (!_full.TryTake(out _current, Timeout.Infinite))
            {
                _failure?.Throw();
                record = default;
                return false;
            }
            _next = 0;
        }
        record = _current[_next++];
        return true;
    }

    public void Dispose()
    {
        _stopped = true;
        // Wakes the pump where it waits for a block.
        _free.CompleteAdding();
        _pump.Wait();
        _reader.Dispose();
        _free.Dispose();
        _full.Dispose();
    }

    private void Pump()
    {
        RecordBlock? block = null;
        try
        {
            var more = true;
            while (more && !_stopped && _free.TryTake(out block, Timeout.Infinite))
            {
                block.Clear();
                while (block.Bytes < BlockBytes && (more = _reader.Read())) block.Add(_reader.Current, stays: false);
                Interlocked.Exchange(ref _skippedBytes, _reader.SkippedBytes);
                Give(block);
                block = null;
            }
        }
#pragma warning disable CA1031 // The consumer throws it again, behind the records before the damage.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Give(block);
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            _full.CompleteAdding();
        }
    }

    private void Give(RecordBlock? block)
    {
        if (block is { Count: > 0 }) _full.Add(block);
    }
}
