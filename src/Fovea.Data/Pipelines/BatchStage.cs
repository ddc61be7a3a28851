namespace Fovea.Data;

/// <summary>A batch on its way round: filled with records, parsed, used, and free again.</summary>
internal sealed class BatchStage : IDisposable
{
    private readonly RecordBlock _records = new();
    private readonly DeviceStream? _stream;
    private readonly DeviceEvent? _used;
    private bool _isMarked;

    internal BatchStage(ExampleParser parser, DeviceStream? stream)
    {
        Batch = parser.CreateBatch(stream?.Device);
        _stream = stream;
        _used = stream is null ? null : new DeviceEvent(stream.Device);
    }

    internal ExampleBatch Batch { get; }

    internal Task Parsed { get; private set; } = Task.CompletedTask;

    internal int Count => _records.Count;

    /// <summary>Takes records; false where the dataset ended before there were enough.</summary>
    internal bool Fill(TfRecordDataset dataset, int count)
    {
        _records.Clear();
        while (_records.Count < count)
        {
            if (!dataset.Read()) return false;
            _records.Add(dataset.Current, dataset.Stays);
        }
        return true;
    }

    internal void Parse() => Parsed = Task.Run(() =>
    {
        WaitForCopies();
        Batch.Clear();
        for (var i = 0; i < _records.Count; i++) Batch.Add(_records[i].Span);
    });

    /// <summary>What was enqueued up to here reads the batch.</summary>
    internal void MarkUsed()
    {
        if (_used is null) return;
        _stream!.Record(_used);
        _isMarked = true;
    }

    public void Dispose()
    {
        // Copies that were enqueued on an abandoned batch may still read it.
        if (_used is not null && !_isMarked) MarkUsed();
        WaitForCopies();
        Batch.Dispose();
        _used?.Dispose();
    }

    private void WaitForCopies()
    {
        if (!_isMarked) return;
        _used!.Synchronize();
        _isMarked = false;
    }
}
