using Xunit;

namespace Fovea.Tests;

/// <summary>Dispose at every moment, from every thread.</summary>
public sealed class LifetimeTests : IDisposable
{
    private const int Rows = 4000;
    private const int Columns = 500;

    private readonly DeviceStream _stream = Device.Cpu.CreateStream();

    public void Dispose() => _stream.Dispose();

    [Fact]
    public void UseAfterDisposeThrows()
    {
        var x = DeviceTensor.From<float>(_stream, [1, 2], 2);
        var view = x.Columns(0, 1);
        x.Dispose();
        x.Dispose();
        Assert.True(x.IsDisposed && view.IsDisposed);
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, 1);
        Assert.Throws<ObjectDisposedException>(() => Kernels.Activate(_stream, Activation.Relu, view, null, y));
        Assert.Throws<ObjectDisposedException>(() => Kernels.Activate(_stream, Activation.Relu, y, null, view));
        Assert.Throws<ObjectDisposedException>(() => x.AsSpan<float>());
        Assert.Throws<ObjectDisposedException>(() => x.Columns(0, 1));
        Assert.Throws<ObjectDisposedException>(() => x.ToArray<float>(_stream));
        y.Fill(_stream, 0); // the failed calls left y alone
        Assert.Equal(1, _stream.Pool.Statistics.LiveLeases);
    }

    [Fact]
    public void DisposingAViewDoesNothing()
    {
        using var x = DeviceTensor.From<float>(_stream, [1, 2], 2);
        x.Columns(0, 1).Dispose();
        Assert.Equal([1, 2], x.AsSpan<float>());
    }

    [Fact]
    public void StreamsRefuseUseAfterDispose()
    {
        var stream = Device.Cpu.CreateStream();
        using var x = DeviceTensor.From<float>(stream, [1f], 1);
        stream.Dispose();
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Kernels.Activate(stream, Activation.Relu, x, null, x));
        Assert.Throws<ObjectDisposedException>(stream.Synchronize);
        Assert.Throws<ObjectDisposedException>(stream.BeginCapture);
    }

    /// <summary>Another thread disposes tensors while calls on them run: every call either completes or throws
    /// ObjectDisposedException, and no block is handed out while a call is still in it.</summary>
    [Fact]
    public void DisposeDuringACallWaitsForIt()
    {
        var refused = 0;
        for (var round = 0; round < 20; round++)
        {
            var x = DeviceTensor.Allocate(_stream, DType.Float32, Rows, Columns);
            var y = DeviceTensor.Allocate(_stream, DType.Float32, Rows, Columns);
            x.Fill(_stream, 0);
            using var entered = new ManualResetEventSlim();
            var killer = new Thread(() =>
            {
                entered.Wait();
                x.Dispose();
                // Takes x's block if the pool has got it back, which must not be before the call has left.
                using var other = Device.Cpu.CreateStream(new DeviceStreamOptions { Pool = _stream.Pool });
                using var thief = DeviceTensor.Allocate(other, DType.Float32, Rows, Columns);
                thief.Fill(other, 0x40);
            });
            killer.Start();
            entered.Set();
            try
            {
                for (var i = 0; i < 50; i++)
                {
                    Kernels.Activate(_stream, Activation.Tanh, x, null, y);
                    Assert.Equal(0, y.AsSpan<float>()[^1]); // tanh(0), not tanh of the thief's values
                }
            }
            catch (ObjectDisposedException)
            {
                refused++;
            }
            killer.Join();
            y.Dispose();
        }
        Assert.True(refused > 0, "no call met a disposed tensor");
        Assert.Equal((0, 0L), (_stream.Pool.Statistics.LiveLeases, _stream.Pool.Statistics.InUseBytes));
    }

    [Fact]
    public void TwoThreadsOnOneStreamAreRefusedNotMixedUp()
    {
        using var x = DeviceTensor.Allocate(_stream, DType.Float32, Rows, Columns);
        using var y = DeviceTensor.Allocate(_stream, DType.Float32, Rows, Columns);
        x.Fill(_stream, 0);
        var (done, refused, other) = (0, 0, 0);
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            for (var i = 0; i < 50; i++)
            {
                try
                {
                    Kernels.Activate(_stream, Activation.Tanh, x, null, y);
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
        });
        Assert.Equal(0, other);
        Assert.Equal(200, done + refused);
        Assert.True(done > 0);
        Kernels.Activate(_stream, Activation.Relu, x, null, y); // the stream is free again
    }

    [Fact]
    public void ReplayingWhileTheGraphIsDisposedIsSafe()
    {
        for (var round = 0; round < 20; round++)
        {
            DeviceTensor y;
            CapturedGraph graph;
            using (var capture = _stream.BeginCapture())
            {
                var x = DeviceTensor.Allocate(_stream, DType.Float32, 100, Columns);
                x.Fill(_stream, 0);
                y = DeviceTensor.Allocate(_stream, DType.Float32, 100, Columns);
                Kernels.Activate(_stream, Activation.Tanh, x, null, y);
                graph = capture.End();
            }
            var killer = new Thread(graph.Dispose);
            killer.Start();
            try
            {
                while (true) graph.Replay(_stream);
            }
            catch (ObjectDisposedException)
            {
            }
            killer.Join();
            Assert.True(y.IsDisposed);
        }
        Assert.Equal(0, _stream.Pool.Statistics.InUseBytes);
    }

    [Fact]
    public void ReplayMakesNoGarbage()
    {
        using var x = DeviceTensor.From<float>(_stream, [1, 2], 2);
        using var capture = _stream.BeginCapture();
        for (var i = 0; i < 100; i++) Kernels.Activate(_stream, Activation.Relu, x, null, x);
        using var graph = capture.End();
        Assert.Equal(0, Support.Garbage.Of(() => graph.Replay(_stream)));
        Assert.Equal(100, graph.NodeCount);
    }
}
