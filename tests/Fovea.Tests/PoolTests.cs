using System.Runtime.CompilerServices;
using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

public sealed class PoolTests
{
    private const long Mebibyte = 1 << 20;

    [Theory]
    [InlineData(1, 64)]
    [InlineData(65, 128)]
    [InlineData(1025, 1280)]
    [InlineData(1280, 1280)]
    [InlineData((2 << 20) + 1, 4 << 20)]
    [InlineData(9 << 20, 10 << 20)]
    public void BlocksComeInSizeClasses(long bytes, long block)
    {
        using var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.Allocate(stream, DType.UInt8, bytes);
        Assert.Equal(block, stream.Pool.Statistics.InUseBytes);
        Assert.Equal(0, Address(x) % 64);
    }

    [Fact]
    public void AFreedBlockIsReusedAtOnce()
    {
        using var stream = Device.Cpu.CreateStream();
        var x = DeviceTensor.Allocate(stream, DType.Float32, 1000);
        var address = Address(x);
        x.Dispose();
        using var y = DeviceTensor.Allocate(stream, DType.Float32, 950); // the same size class
        Assert.Equal(address, Address(y));
        var statistics = stream.Pool.Statistics;
        Assert.Equal(1, statistics.AllocationCount);
        Assert.Equal(2, statistics.RentCount);
        Assert.Equal(1, statistics.LiveLeases);
    }

    [Fact]
    public void AStreamPrefersItsOwnBlocks()
    {
        using var pool = new DeviceMemoryPool(Device.Cpu);
        using var a = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = pool });
        using var b = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = pool });
        var onA = DeviceTensor.Allocate(a, DType.UInt8, 4096);
        var onB = DeviceTensor.Allocate(b, DType.UInt8, 4096);
        var address = Address(onA);
        onA.Dispose();
        onB.Dispose();
        using var again = DeviceTensor.Allocate(a, DType.UInt8, 4096);
        Assert.Equal(address, Address(again));
        using var other = DeviceTensor.Allocate(a, DType.UInt8, 4096); // a CPU stream may take the block of another one
        Assert.Equal(2, pool.Statistics.AllocationCount);
    }

    [Fact]
    public void TrimGivesFreeBlocksBack()
    {
        using var stream = Device.Cpu.CreateStream();
        using var kept = DeviceTensor.Allocate(stream, DType.UInt8, 4 * Mebibyte);
        DeviceTensor.Allocate(stream, DType.UInt8, 8 * Mebibyte).Dispose();
        Assert.Equal(12 * Mebibyte, stream.Pool.Statistics.ReservedBytes);
        Assert.Equal(8 * Mebibyte, stream.Pool.Statistics.LargestFreeBlockBytes);
        Assert.Equal(8 * Mebibyte, stream.Pool.Trim());
        Assert.Equal(4 * Mebibyte, stream.Pool.Statistics.ReservedBytes);
        Assert.Equal(12 * Mebibyte, stream.Pool.Statistics.PeakInUseBytes);
    }

    [Fact]
    public void BudgetIsKeptAndTheMessageDescribesThePool()
    {
        using var pool = new DeviceMemoryPool(Device.Cpu, new DeviceMemoryPoolOptions { BudgetBytes = 10 * Mebibyte });
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = pool });
        using var held = DeviceTensor.Allocate(stream, DType.UInt8, 4 * Mebibyte);
        DeviceTensor.Allocate(stream, DType.UInt8, 6 * Mebibyte).Dispose();
        using (DeviceTensor.Allocate(stream, DType.UInt8, 2 * Mebibyte)) // takes the place of the free 6 MiB
            Assert.Equal(6 * Mebibyte, pool.Statistics.ReservedBytes);
        var e = Assert.Throws<DeviceOutOfMemoryException>(() => DeviceTensor.Allocate(stream, DType.UInt8, 7 * Mebibyte));
        Assert.Equal(Status.OutOfMemory, e.Status);
        Assert.Equal(7 * Mebibyte, e.RequestedBytes);
        foreach (var part in (string[])["7 MiB", "Budget 10 MiB", "in use 4 MiB by 1 tensors", "1 x 4 MiB"])
            Assert.Contains(part, e.Message, StringComparison.Ordinal);
        using var fits = DeviceTensor.Allocate(stream, DType.UInt8, 6 * Mebibyte); // the failure left the pool usable
    }

    [Fact]
    public void AnImpossibleSizeIsOutOfMemory()
    {
        using var stream = Device.Cpu.CreateStream();
        var e = Assert.Throws<DeviceOutOfMemoryException>(() => DeviceTensor.Allocate(stream, DType.UInt8, 1L << 46));
        Assert.Contains("memory_alloc", e.Message, StringComparison.Ordinal);
        Assert.Throws<OverflowException>(() => DeviceTensor.Allocate(stream, DType.Float32, long.MaxValue, 2));
    }

    [Fact]
    public void LeakReportListsLiveTensorsWithTheirOrigin()
    {
        using var pool = new DeviceMemoryPool(Device.Cpu, new DeviceMemoryPoolOptions { CaptureStackTraces = true });
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = pool });
        using (DeviceTensor.Allocate(stream, DType.UInt8, 3 * Mebibyte))
        {
            var report = pool.LeakReport();
            Assert.Contains("1 live tensors", report, StringComparison.Ordinal);
            Assert.Contains("1 x 4 MiB", report, StringComparison.Ordinal);
            Assert.Contains(nameof(LeakReportListsLiveTensorsWithTheirOrigin), report, StringComparison.Ordinal);
        }
        Assert.Contains("0 live tensors", pool.LeakReport(), StringComparison.Ordinal);
    }

    [Fact]
    public void ForgottenTensorsAreCountedButNotFreed()
    {
        var pool = new DeviceMemoryPool(Device.Cpu);
        using var stream = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = pool });
        Forget(stream);
        for (var i = 0; i < 10 && pool.Statistics.LeakedLeases == 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal(1, pool.Statistics.LeakedLeases);
        Assert.Equal(4096, pool.Statistics.InUseBytes);
        Assert.Contains("1 collected without Dispose", pool.LeakReport(), StringComparison.Ordinal);
        pool.Dispose();
        Assert.Equal(0, pool.Statistics.ReservedBytes);
    }

    [Fact]
    public void TensorsOutliveTheirStreamAndPool()
    {
        var stream = Device.Cpu.CreateStream();
        var pool = stream.Pool;
        var x = DeviceTensor.From<float>(stream, [1, 2], 2);
        stream.Dispose();
        Assert.Equal([1, 2], x.AsSpan<float>());
        Assert.Equal(64, pool.Statistics.ReservedBytes);
        x.Dispose();
        Assert.Equal(0, pool.Statistics.ReservedBytes);
        Assert.Throws<ObjectDisposedException>(() => DeviceTensor.Allocate(stream, DType.Float32, 1));
    }

    [Fact]
    public void APoolServesOneDevice()
    {
        using var pool = new DeviceMemoryPool(Device.Cpu);
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceMemoryPool(Device.Cpu, new DeviceMemoryPoolOptions { BudgetBytes = -1 }));
        Assert.Throws<ArgumentNullException>(() => new DeviceMemoryPool(null!));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(DeviceStream stream) => DeviceTensor.Allocate(stream, DType.UInt8, 4096);

    private static long Address(DeviceTensor x) => Memory.Address(x);
}
