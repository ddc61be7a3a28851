using Fovea.Tests.Support;
using Xunit;

namespace Fovea.Tests;

public sealed class CaptureTests : IDisposable
{
    private const int Count = 100_000; // 400 kB: more than the smallest slab

    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void CallsAreRecordedNotRun()
    {
        using var x = DeviceTensor.From<float>(_stream, [-1, 2], 2);
        using var y = DeviceTensor.From<float>(_stream, [9, 9], 2);
        using var capture = _stream.BeginCapture();
        Assert.True(_stream.IsCapturing);
        Kernels.Activate(_stream, Activation.Relu, x, null, y);
        Assert.Equal(9, y.AsSpan<float>()[0]);
        using var graph = capture.End();
        Assert.False(_stream.IsCapturing);
        Assert.Equal(1, graph.NodeCount);
        graph.Replay(_stream);
        Assert.Equal([0, 2], y.AsSpan<float>());
        x.CopyFrom<float>(_stream, [5, -5]);
        graph.Replay(_stream);
        Assert.Equal([5, 0], y.AsSpan<float>());
    }

    [Fact]
    public void BuffersWhoseLifetimesDoNotMeetShareMemory()
    {
        using var x = DeviceTensor.From<float>(_stream, Enumerable.Range(0, Count).Select(i => (float)-i).ToArray(), Count);
        using var capture = _stream.BeginCapture();
        var a = Multiply(x, 1);
        var b = Multiply(a, 2);
        var (addressOfA, addressOfB) = (Address(a), Address(b));
        a.Dispose();
        var c = Multiply(b, 3);
        Assert.Equal(addressOfA, Address(c));
        b.Dispose();
        var d = Multiply(c, 4);
        Assert.Equal(addressOfB, Address(d));
        c.Dispose();
        using var graph = capture.End();
        Assert.InRange(graph.ArenaPeakBytes, 2 * 4 * Count, 2 * 4 * Count + 256);
        Assert.True(graph.ArenaBytes >= graph.ArenaPeakBytes);
        graph.Replay(_stream);
        Assert.Equal([0f, -24f, -48f], d.AsSpan<float>()[..3]);
        Assert.Equal(-24f * (Count - 1), d.AsSpan<float>()[^1]);
    }

    [Fact]
    public void FreedNeighboursMergeAndTheBestFitIsChosen()
    {
        using var capture = _stream.BeginCapture();
        var blocks = Enumerable.Range(0, 6).Select(_ => DeviceTensor.Allocate(_stream, DType.UInt8, 1024)).ToArray();
        var (hole1, hole2) = (Address(blocks[4]), Address(blocks[1]));
        blocks[4].Dispose(); // a hole of 1 KiB, left of block 5
        blocks[1].Dispose();
        blocks[2].Dispose(); // a hole of 2 KiB
        using var small = DeviceTensor.Allocate(_stream, DType.UInt8, 1000);
        using var large = DeviceTensor.Allocate(_stream, DType.UInt8, 2048);
        Assert.Equal(hole1, Address(small));
        Assert.Equal(hole2, Address(large));
        using var graph = capture.End();
        Assert.Equal(6 * 1024, graph.ArenaPeakBytes);
    }

    [Fact]
    public void TheArenaGoesBackToThePoolWithTheGraph()
    {
        CapturedGraph graph;
        DeviceTensor y;
        using (var capture = _stream.BeginCapture())
        {
            y = DeviceTensor.Allocate(_stream, DType.Float32, 10);
            y.Fill(_stream, 0);
            graph = capture.End();
        }
        Assert.Equal(graph.ArenaBytes, _stream.Pool.Statistics.InUseBytes);
        graph.Replay(_stream);
        Assert.Equal(0, y.AsSpan<float>()[9]);
        graph.Dispose();
        Assert.Equal(0, _stream.Pool.Statistics.InUseBytes);
        Assert.True(y.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => y.Fill(_stream, 0));
        Assert.Throws<ObjectDisposedException>(() => graph.Replay(_stream));
        y.Dispose();
        graph.Dispose();
    }

    [Fact]
    public void AnAbandonedCaptureLeavesNothing()
    {
        DeviceTensor y;
        using (_stream.BeginCapture())
        {
            y = DeviceTensor.Allocate(_stream, DType.Float32, 10);
            y.Fill(_stream, 1);
        }
        Assert.False(_stream.IsCapturing);
        Assert.True(y.IsDisposed);
        Assert.Equal(0, _stream.Pool.Statistics.InUseBytes);
        using var z = DeviceTensor.From<float>(_stream, [1f], 1); // the stream runs again
        Assert.Equal(1, z.AsSpan<float>()[0]);
    }

    [Fact]
    public void DisposingTheStreamAbandonsItsCapture()
    {
        var stream = Device.Cpu.CreateStream();
        var capture = stream.BeginCapture();
        DeviceTensor.Allocate(stream, DType.Float32, 10).Fill(stream, 1);
        stream.Dispose();
        capture.Dispose();
        Assert.Equal(0, stream.Pool.Statistics.ReservedBytes);
        Assert.Throws<InvalidOperationException>(capture.End);
    }

    [Fact]
    public void TheGraphKeepsTensorsThatWereDisposed()
    {
        var x = DeviceTensor.From<float>(_stream, [1, 2], 2);
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 2);
        using var capture = _stream.BeginCapture();
        Kernels.Activate(_stream, Activation.Relu, x, null, y);
        using var graph = capture.End();
        x.Dispose();
        Assert.True(x.IsDisposed);
        using (var other = DeviceTensor.From<float>(_stream, [7, 7], 2)) // must not get x's block
            graph.Replay(_stream);
        Assert.Equal([1, 2], y.AsSpan<float>());
        Assert.Equal(2, _stream.Pool.Statistics.LiveLeases);
        graph.Dispose();
        Assert.Equal(1, _stream.Pool.Statistics.LiveLeases);
    }

    [Fact]
    public void GraphsCompose()
    {
        using var x = DeviceTensor.From<float>(_stream, [-1f], 1);
        DeviceTensor y;
        CapturedGraph inner;
        using (var capture = _stream.BeginCapture())
        {
            y = Multiply(x, 2);
            inner = capture.End();
        }
        using var z = DeviceTensor.Allocate(_stream, DType.Float32, 1);
        using var outerCapture = _stream.BeginCapture();
        inner.Replay(_stream);
        Kernels.Activate(_stream, Activation.LeakyRelu(1), y, null, z);
        using var outer = outerCapture.End();
        inner.Dispose(); // its memory stays with the outer graph
        outer.Replay(_stream);
        Assert.Equal(-2, z.AsSpan<float>()[0]);
        outer.Dispose();
        Assert.Equal(2, _stream.Pool.Statistics.LiveLeases);
    }

    [Fact]
    public void EventsMayBeRecordedAndDisposed()
    {
        using var start = new DeviceEvent(Device.Cpu);
        var end = new DeviceEvent(Device.Cpu);
        _stream.Record(start);
        _stream.Wait(start);
        start.Synchronize();
        using var capture = _stream.BeginCapture();
        _stream.Record(end);
        using var graph = capture.End();
        Assert.Throws<InvalidOperationException>(() => DeviceEvent.Elapsed(start, end));
        graph.Replay(_stream);
        Assert.InRange(DeviceEvent.Elapsed(start, end).TotalSeconds, 0, 60);
        end.Dispose();
        graph.Replay(_stream);
        Assert.Throws<ObjectDisposedException>(() => _stream.Record(end));
    }

    [Fact]
    public void HostCopiesAreRefusedWhileCapturing()
    {
        using var x = DeviceTensor.From<float>(_stream, [1f], 1);
        using var capture = _stream.BeginCapture();
        Assert.Throws<InvalidOperationException>(() => x.CopyFrom<float>(_stream, [2f]));
        Assert.Throws<InvalidOperationException>(() => x.ToArray<float>(_stream));
        Assert.Throws<InvalidOperationException>(() => DeviceTensor.From<float>(_stream, [2f], 1));
        Assert.Throws<InvalidOperationException>(_stream.Synchronize);
        Assert.Throws<InvalidOperationException>(_stream.BeginCapture);
        using var graph = capture.End();
        Assert.Equal(0, graph.NodeCount);
        Assert.Throws<InvalidOperationException>(capture.End);
    }

    [Fact]
    public void CopiesOfPinnedMemoryMayBeCaptured()
    {
        using var host = new PinnedBuffer(Device.Cpu, 12);
        using var wide = DeviceTensor.Allocate(_stream, DType.UInt8, 3, 5);
        wide.Fill(_stream, 9);
        var x = wide.Columns(1, 4);
        using var capture = _stream.BeginCapture();
        x.CopyFrom(_stream, host);
        x.Fill(_stream, 7);
        x.CopyTo(_stream, host);
        using var graph = capture.End();
        host.GetSpan().Fill(1);
        graph.Replay(_stream);
        Assert.Equal(Enumerable.Repeat((byte)7, 12), host.Memory.ToArray());
        Assert.Equal([9, 7, 7, 7, 7, 9], wide.AsSpan<byte>()[..6].ToArray());
        Assert.Throws<ArgumentException>(() => wide.CopyTo(_stream, host));
        ((IDisposable)host).Dispose();
        Assert.Throws<ObjectDisposedException>(() => x.CopyFrom(_stream, host));
    }

    [Fact]
    public void ARefusedCallLeavesTheCaptureUnchanged()
    {
        using var x = DeviceTensor.From<float>(_stream, [1, 2], 2);
        using var wrong = DeviceTensor.Allocate(_stream, DType.Float32, 3);
        using var capture = _stream.BeginCapture();
        Assert.Throws<DeviceException>(() => Kernels.Activate(_stream, Activation.Relu, x, null, wrong));
        Kernels.Activate(_stream, Activation.Relu, x, null, x);
        using var graph = capture.End();
        Assert.Equal(1, graph.NodeCount);
    }

    /// <summary>A new tensor factor * x, for x below 0.</summary>
    private DeviceTensor Multiply(DeviceTensor x, float factor)
    {
        var y = DeviceTensor.Allocate(_stream, DType.Float32, x.Shape);
        Kernels.Activate(_stream, Activation.LeakyRelu(factor), x, null, y);
        return y;
    }

    private static long Address(DeviceTensor x) => Memory.Address(x);
}
