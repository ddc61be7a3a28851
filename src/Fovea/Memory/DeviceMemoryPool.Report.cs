using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Fovea;

public sealed partial class DeviceMemoryPool
{
    private Dictionary<long, (long Bytes, string Where)>? _records;
    private long _lastRecord;

    /// <summary>Text that lists live and leaked tensors, with the place of allocation when the pool captures stack
    /// traces.</summary>
    public string LeakReport()
    {
        lock (_gate)
        {
            var text = new StringBuilder();
            text.Append(CultureInfo.InvariantCulture,
                $"{Device} pool: {_live - _leaked} live tensors, {_leaked} collected without Dispose, {Mebibytes(_inUse)} in use");
            foreach (var sizeClass in LargestUsers())
                text.Append(CultureInfo.InvariantCulture, $"\n  {sizeClass.Rented} x {Mebibytes(sizeClass.Size)}");
            if (_records is not null)
                foreach (var (bytes, where) in _records.Values)
                    text.Append(CultureInfo.InvariantCulture, $"\n{Mebibytes(bytes)} allocated\n{where.TrimEnd()}");
            return text.ToString();
        }
    }

    private DeviceMemoryPoolStatistics StatisticsLocked() => new()
    {
        BudgetBytes = BudgetBytes,
        ReservedBytes = _reserved,
        InUseBytes = _inUse,
        PeakInUseBytes = _peak,
        LargestFreeBlockBytes = _classes.LastOrDefault(c => c is { Free: > 0 })?.Size ?? 0,
        AllocationCount = _allocations,
        RentCount = _rents,
        LiveLeases = _live,
        LeakedLeases = _leaked,
    };

    private DeviceOutOfMemoryException OutOfMemory(long requested, long size, string reason)
    {
        var statistics = StatisticsLocked();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"{Mebibytes(requested)} (a block of {Mebibytes(size)}) do not fit the pool of {Device}: {reason}. ");
        text.Append(CultureInfo.InvariantCulture, $"Budget {(BudgetBytes == 0 ? "none" : Mebibytes(BudgetBytes))}, ");
        text.Append(CultureInfo.InvariantCulture, $"reserved {Mebibytes(_reserved)}, in use {Mebibytes(_inUse)} by {_live} tensors, ");
        text.Append(CultureInfo.InvariantCulture, $"peak {Mebibytes(_peak)}, largest free block {Mebibytes(statistics.LargestFreeBlockBytes)}");
        if (_leaked > 0) text.Append(CultureInfo.InvariantCulture, $", {_leaked} tensors collected without Dispose");
        var users = string.Join(", ", LargestUsers().Take(5).Select(c => $"{c.Rented} x {Mebibytes(c.Size)}"));
        if (users.Length > 0) text.Append("; most is in blocks of ").Append(users);
        return new DeviceOutOfMemoryException("memory_alloc", text.Append('.').ToString(), requested, statistics);
    }

    private IEnumerable<SizeClass> LargestUsers() =>
        _classes.OfType<SizeClass>().Where(c => c.Rented > 0).OrderByDescending(c => c.Rented * c.Size);

    private void AddTrace(MemoryLease lease)
    {
        lease.Record = ++_lastRecord;
        (_records ??= []).Add(lease.Record, (lease.Bytes, new StackTrace(3, fNeedFileInfo: true).ToString()));
    }

    private static string Mebibytes(long bytes) => bytes < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.##} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.##} MiB");
}
