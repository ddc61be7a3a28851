using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

/// <summary>Bad input on the device path, from C# down through the CUDA runtime, on the emulated device and on the CPU: the same
/// exceptions on both, and the device still works afterwards.</summary>
public sealed class EmulatedDeviceTests : IDisposable
{
    private const long Mebibyte = 1 << 20;

    private DeviceStream? _stream;

    public static TheoryData<bool> Devices => [false, true];

    public void Dispose() => _stream?.Dispose();

    [Theory]
    [MemberData(nameof(Devices))]
    public void TensorsStreamsAndGraphsOfAnotherDevice(bool emulated)
    {
        var stream = Open(emulated);
        using var otherStream = emulated ? Device.Cpu.CreateStream() : Emulated.StreamOrSkip();
        using var mine = DeviceTensor.From<float>(stream, [-1, 2], 2);
        using var other = DeviceTensor.From<float>(otherStream, [-1, 2], 2);
        foreach (var call in (Action[])[() => Relu(stream, mine, other), () => Relu(stream, other, mine), () => Relu(otherStream, mine, mine)])
        {
            var e = Assert.Throws<DeviceException>(call);
            Assert.Equal((Status.InvalidArgument, "activate"), (e.Status, e.Operation));
        }
        Assert.Throws<ArgumentException>(() => mine.CopyFrom<float>(otherStream, [1, 2]));
        Assert.Throws<ArgumentException>(() => mine.ToArray<float>(otherStream));
        Assert.Throws<ArgumentException>(() => stream.Device.CreateStream(new DeviceStreamOptions { Pool = otherStream.Pool }));
        using var mark = new DeviceEvent(otherStream.Device);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<DeviceException>(() => stream.Record(mark)).Status);
        using var graph = CaptureRelu(stream, mine);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<DeviceException>(() => graph.Replay(otherStream)).Status);
        AssertWorks(otherStream);
        AssertWorks(stream);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void FreedTensorsAndDisposedGraphs(bool emulated)
    {
        var stream = Open(emulated);
        var x = DeviceTensor.From<float>(stream, [-1, 2], 2);
        var view = x.Columns(0, 1);
        using var y = DeviceTensor.Allocate(stream, DType.Float32, 2);
        var graph = CaptureRelu(stream, y);
        graph.Dispose();
        x.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Relu(stream, x, y));
        Assert.Throws<ObjectDisposedException>(() => Relu(stream, y.Columns(0, 1), view));
        Assert.Throws<ObjectDisposedException>(() => x.CopyFrom<float>(stream, [1, 2]));
        Assert.Throws<ObjectDisposedException>(() => view.ToArray<float>(stream));
        Assert.Throws<ObjectDisposedException>(() => x.Fill(stream, 0));
        Assert.Throws<ObjectDisposedException>(() => graph.Replay(stream));
        Assert.Equal(1, stream.Pool.Statistics.LiveLeases);
        AssertWorks(stream);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void MoreMemoryThanTheBudgetOrTheDeviceHas(bool emulated)
    {
        var stream = Open(emulated);
        var device = stream.Device;
        using var pool = new DeviceMemoryPool(device, new DeviceMemoryPoolOptions { BudgetBytes = 4 * Mebibyte });
        using var tight = device.CreateStream(new DeviceStreamOptions { Pool = pool });
        using var half = DeviceTensor.Allocate(tight, DType.UInt8, 2 * Mebibyte);
        var e = Assert.Throws<DeviceOutOfMemoryException>(() => DeviceTensor.Allocate(tight, DType.UInt8, 3 * Mebibyte));
        Assert.Equal(3 * Mebibyte, e.RequestedBytes);
        using (var capture = tight.BeginCapture())
        {
            Assert.Throws<DeviceOutOfMemoryException>(() => DeviceTensor.Allocate(tight, DType.UInt8, 3 * Mebibyte));
            half.Fill(tight, 1);
            DeviceTensor.Allocate(tight, DType.UInt8, Mebibyte).Dispose(); // the arena too survived the failure
            capture.End().Dispose();
        }
        e = Assert.Throws<DeviceOutOfMemoryException>(() => DeviceTensor.Allocate(stream, DType.UInt8, 1L << 46));
        Assert.Equal(Status.OutOfMemory, e.Status);
        Assert.Contains("memory_alloc", e.Message, StringComparison.Ordinal);
        Assert.Throws<OverflowException>(() => DeviceTensor.Allocate(stream, DType.Float32, long.MaxValue, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => DeviceTensor.Allocate(stream, DType.Float32, 1L << 60));
        Assert.Equal(0, stream.Pool.Statistics.LiveLeases);
        AssertWorks(tight);
        AssertWorks(stream);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void WhatCannotBeCapturedLeavesTheCaptureAsItWas(bool emulated)
    {
        var stream = Open(emulated);
        using var x = DeviceTensor.From<float>(stream, [-1, 2], 2);
        using var wrong = DeviceTensor.Allocate(stream, DType.Float32, 3);
        using var capture = stream.BeginCapture();
        Relu(stream, x, x);
        Assert.Throws<InvalidOperationException>(() => x.CopyFrom<float>(stream, [1, 2]));
        Assert.Throws<InvalidOperationException>(() => x.ToArray<float>(stream));
        Assert.Throws<InvalidOperationException>(() => DeviceTensor.From<float>(stream, [1f], 1));
        Assert.Throws<InvalidOperationException>(stream.Synchronize);
        Assert.Throws<InvalidOperationException>(stream.BeginCapture);
        Assert.Throws<DeviceException>(() => Relu(stream, x, wrong));
        Assert.Throws<DeviceException>(() => Relu(stream, null!, x));
        Relu(stream, x, x);
        using var graph = capture.End();
        Assert.Equal(2, graph.NodeCount);
        graph.Replay(stream);
        Assert.Equal([0, 2], x.ToArray<float>(stream));
        Assert.Throws<InvalidOperationException>(capture.End);
        AssertWorks(stream);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void OneStreamUsedByTwoThreads(bool emulated)
    {
        var stream = Open(emulated);
        using var x = DeviceTensor.Allocate(stream, DType.Float32, 400, 100);
        x.Fill(stream, 0);
        var (done, refused, other) = (0, 0, 0);
        var threads = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 20; i++)
            {
                try
                {
                    Relu(stream, x, x);
                    Interlocked.Increment(ref done);
                }
                catch (InvalidOperationException e) when (e.Message.Contains("in use by another thread", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref refused);
                }
                catch (Exception)
                {
                    Interlocked.Increment(ref other);
                }
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal((0, 60), (other, done + refused));
        Assert.True(done > 0);
        AssertWorks(stream);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void DisposedDuringACapture(bool emulated)
    {
        var stream = Open(emulated);
        var device = stream.Device;
        using var x = DeviceTensor.From<float>(stream, [-1, 2], 2);
        var y = DeviceTensor.Allocate(stream, DType.Float32, 2);
        using (var capture = stream.BeginCapture())
        {
            var inside = DeviceTensor.Allocate(stream, DType.Float32, 2);
            Relu(stream, x, inside);
            Relu(stream, inside, y);
            inside.Dispose();
            y.Dispose(); // the graph keeps it
            Assert.Throws<ObjectDisposedException>(() => Relu(stream, x, inside));
            Assert.Throws<ObjectDisposedException>(() => Relu(stream, x, y));
            using var graph = capture.End();
            Assert.Equal(2, graph.NodeCount);
            Assert.Equal(2, stream.Pool.Statistics.LiveLeases);
            graph.Replay(stream);
            stream.Synchronize();
        }
        Assert.Equal(1, stream.Pool.Statistics.LiveLeases);

        var doomed = device.CreateStream();
        var abandoned = doomed.BeginCapture();
        Relu(doomed, x, x);
        doomed.Dispose();
        Assert.Throws<InvalidOperationException>(abandoned.End);
        Assert.Throws<ObjectDisposedException>(() => Relu(doomed, x, x));
        Assert.Equal([-1, 2], x.ToArray<float>(stream)); // nothing of the abandoned capture ran
        AssertWorks(stream);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void MisalignedAddressesAndUnknownDevices(bool emulated)
    {
        var stream = Open(emulated);
        Assert.Throws<ArgumentException>(() => DeviceTensor.Wrap(stream.Device, 3, DType.Float32, [1]));
        Assert.Throws<ArgumentException>(() => DeviceTensor.Wrap(stream.Device, 0, DType.Float32, [1]));
        Assert.Equal(Status.NotFound, Assert.Throws<DeviceException>(() => Device.Open(emulated ? "cuda-emulated:99" : "cpu:99")).Status);
        Assert.Equal(Status.NotFound, Assert.Throws<DeviceException>(() => Device.Open(emulated ? "cuda-emulated:x" : "cpu:x")).Status);
        AssertWorks(stream);
    }

    [Fact]
    public void StreamsOfOtherLibrariesAreForDevicesThatHaveThem()
    {
        var stream = Open(emulated: true);
        Assert.Equal(Status.Unsupported, Assert.Throws<DeviceException>(() => Device.Cpu.WrapStream(stream.NativeHandle)).Status);
        using (var wrapped = stream.Device.WrapStream(stream.NativeHandle)) AssertWorks(wrapped);
        AssertWorks(stream); // disposing the wrapper left it alone
    }

    private DeviceStream Open(bool emulated) => _stream = emulated ? Emulated.StreamOrSkip() : Device.Cpu.CreateStream();

    private static void Relu(DeviceStream stream, DeviceTensor x, DeviceTensor y) =>
        Kernels.Activate(stream, Activation.Relu, x, null, y);

    private static CapturedGraph CaptureRelu(DeviceStream stream, DeviceTensor x)
    {
        using var capture = stream.BeginCapture();
        Relu(stream, x, x);
        return capture.End();
    }

    private static void AssertWorks(DeviceStream stream)
    {
        Assert.False(stream.Device.IsLost);
        using var x = DeviceTensor.From<float>(stream, [-1, 2], 2);
        Relu(stream, x, x);
        Assert.Equal([0, 2], x.ToArray<float>(stream));
    }
}
