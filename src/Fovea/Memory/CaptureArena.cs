namespace Fovea;

/// <summary>A graph's private memory: best fit with coalescing over slabs of pool memory. What is freed during the capture is
/// handed out again, so buffers whose lifetimes do not meet share addresses; that is the whole memory planning.</summary>
internal sealed class CaptureArena(DeviceMemoryPool pool, int stream)
{
    // Slabs grow with the arena, so that a large graph has few of them and a small one wastes little.
    private const long SmallestSlab = 256 << 10;
    private const long LargestSlab = 64 << 20;

    private readonly Lock _gate = new();
    private readonly List<(nint Data, long Bytes)> _slabs = [];
    private readonly List<Range> _free = []; // by address
    private readonly HashSet<MemoryLease> _leases = [];
    private long _inUse;
    private bool _sealed, _released;

    /// <summary>Bytes of pool memory held.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Most bytes in use at once.</summary>
    public long PeakBytes { get; private set; }

    public MemoryLease Lease(long bytes)
    {
        var data = bytes == 0 ? 0 : Rent(bytes, out bytes);
        var lease = new MemoryLease(pool, this, data, bytes, stream);
        lock (_gate) _leases.Add(lease);
        return lease;
    }

    public nint Rent(long bytes, out long granted)
    {
        if (bytes > SizeClasses.Largest)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "no device has this much memory");
        granted = (bytes + 63) / 64 * 64;
        lock (_gate)
        {
            var best = BestFit(granted);
            if (best < 0)
            {
                AddSlab(granted);
                best = BestFit(granted);
            }
            var range = _free[best];
            if (range.Bytes == granted)
                _free.RemoveAt(best);
            else
                _free[best] = range with { Data = range.Data + (nint)granted, Bytes = range.Bytes - granted };
            _inUse += granted;
            PeakBytes = Math.Max(PeakBytes, _inUse);
            return range.Data;
        }
    }

    public void Return(nint data, long granted)
    {
        lock (_gate) ReturnLocked(data, granted);
    }

    public void Return(MemoryLease lease)
    {
        lock (_gate)
        {
            _leases.Remove(lease);
            if (lease.Data != 0) ReturnLocked(lease.Data, lease.Bytes);
            if (_released && _leases.Count == 0) ReturnSlabs();
        }
    }

    /// <summary>The capture has ended: recorded calls refer to every address, so nothing is reused from now on.</summary>
    public void Seal()
    {
        lock (_gate) _sealed = true;
    }

    /// <summary>The graph is gone: closes its tensors. The slabs go back when the last call in flight has left them.</summary>
    public void Release()
    {
        MemoryLease[] leases;
        lock (_gate)
        {
            _released = true;
            leases = [.. _leases];
            if (leases.Length == 0) ReturnSlabs();
        }
        foreach (var lease in leases) lease.Close();
    }

    private int BestFit(long bytes)
    {
        var best = -1;
        for (var i = 0; i < _free.Count; i++)
            if (_free[i].Bytes >= bytes && (best < 0 || _free[i].Bytes < _free[best].Bytes))
                best = i;
        return best;
    }

    private void AddSlab(long bytes)
    {
        nint data;
        long granted;
        try
        {
            data = pool.Rent(stream, Math.Max(bytes, Math.Clamp(ReservedBytes, SmallestSlab, LargestSlab)), out granted);
        }
        catch (DeviceOutOfMemoryException)
        {
            data = pool.Rent(stream, bytes, out granted); // a budget may have room for what is needed, if not for growth
        }
        ReservedBytes += granted;
        _slabs.Add((data, granted));
        Insert(new Range(data, granted, _slabs.Count));
    }

    private void ReturnLocked(nint data, long granted)
    {
        _inUse -= granted;
        if (_sealed) return;
        var slab = _slabs.FindIndex(s => data >= s.Data && data < s.Data + (nint)s.Bytes) + 1;
        Insert(new Range(data, granted, slab));
    }

    private void Insert(Range range)
    {
        var at = 0;
        while (at < _free.Count && _free[at].Data < range.Data) at++;
        if (at < _free.Count && range.Touches(_free[at]))
        {
            range = range with { Bytes = range.Bytes + _free[at].Bytes };
            _free.RemoveAt(at);
        }
        if (at > 0 && _free[at - 1].Touches(range))
            _free[at - 1] = _free[at - 1] with { Bytes = _free[at - 1].Bytes + range.Bytes };
        else
            _free.Insert(at, range);
    }

    private void ReturnSlabs()
    {
        foreach (var (data, bytes) in _slabs) pool.Return(data, bytes, stream);
        _slabs.Clear();
        _free.Clear();
        ReservedBytes = 0;
    }

    private readonly record struct Range(nint Data, long Bytes, int Slab)
    {
        /// <summary>Whether <paramref name="next"/> begins where this ends, in the same slab.</summary>
        public bool Touches(Range next) => Slab == next.Slab && Data + (nint)Bytes == next.Data;
    }
}
