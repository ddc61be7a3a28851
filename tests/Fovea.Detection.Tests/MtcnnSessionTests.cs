using System.Diagnostics;
using Fovea.Data;
using Fovea.Tests.Support;

namespace Fovea.Detection.Tests;

public sealed class MtcnnSessionTests
{
    [Theory]
    [InlineData("sample1.jpg", 3)]
    [InlineData("sample6.jpg", 4)]
    public void FindsTheFacesOfAPhoto(string name, int faces)
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo(name);
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 60, ONetThreshold = 0.9f });
        var results = new FaceDetection[32];
        Assert.Equal(faces, session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results));
        for (int i = 1; i < faces; i++) Assert.True(results[i - 1].Score >= results[i].Score);
    }

    [Fact]
    public void AWarmDetectAllocatesNothing()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample1.jpg");
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 80 });
        var results = new FaceDetection[32];
        session.WarmUp(photo.Width, photo.Height);
        int faces = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results);
        Assert.True(faces > 0);
        Assert.Equal(0, Garbage.Of(() =>
        {
            for (int i = 0; i < 5; i++) session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results);
        }));
    }

    [Fact]
    public void ResultsAreDeterministicOverThreadsAndRuns()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample6.jpg");
        var options = new MtcnnOptions { MinFace = 60 };
        using var one = new MtcnnSession(model, options, new DeviceStreamOptions { MaxThreads = 1 });
        using var two = new MtcnnSession(model, options);
        var a = new FaceDetection[32];
        var b = new FaceDetection[32];
        int count = one.Detect(photo.Pixels.Span, photo.Width, photo.Height, a);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(count, two.Detect(photo.Pixels.Span, photo.Width, photo.Height, b));
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.AsBytes(a.AsSpan(0, count))
                .SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(b.AsSpan(0, count))));
        }
    }

    [Fact]
    public void ManySizesStayWithinTheCache()
    {
        using var model = SharedData.Mtcnn();
        using var session = new MtcnnSession(model, new MtcnnOptions { MaxCachedSizes = 2 });
        var results = new FaceDetection[4];
        long reserved = 0;
        for (int round = 0; round < 3; round++)
        {
            for (int side = 60; side < 66; side++) session.Detect(new byte[3 * side * side], side, side, results);
            if (round == 1) reserved = session.Pool.Statistics.ReservedBytes;
        }

        Assert.Equal(reserved, session.Pool.Statistics.ReservedBytes);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(20000, 1)]
    [InlineData(1, 20000)]
    [InlineData(19, 400)]
    [InlineData(20, 20)]
    [InlineData(33, 21)]
    public void OddSizesFindNothingInNothing(int width, int height)
    {
        using var model = SharedData.Mtcnn();
        using var session = new MtcnnSession(model);
        Assert.Equal(0, session.Detect(new byte[3 * width * height], width, height, new FaceDetection[4]));
    }

    [Fact]
    public void ASmallResultSpanTakesTheBest()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample6.jpg");
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 60 });
        var all = new FaceDetection[32];
        session.Detect(photo.Pixels.Span, photo.Width, photo.Height, all);
        var one = new FaceDetection[1];
        Assert.Equal(1, session.Detect(photo.Pixels.Span, photo.Width, photo.Height, one));
        Assert.Equal(all[0].Score, one[0].Score);
        Assert.Equal(0, session.Detect(photo.Pixels.Span, photo.Width, photo.Height, []));
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        using var model = SharedData.Mtcnn();
        using var session = new MtcnnSession(model);
        Assert.Throws<ArgumentException>(() => session.Detect(new byte[5], 2, 2, new FaceDetection[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Detect([], 0, 5, new FaceDetection[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Detect([], 5, -1, new FaceDetection[1]));
        Assert.Throws<ArgumentException>(() => session.Detect(new byte[3], int.MaxValue, int.MaxValue, new FaceDetection[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtcnnSession(model, new MtcnnOptions { MinFace = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtcnnSession(model, new MtcnnOptions { Factor = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MtcnnSession(model, new MtcnnOptions { PNetThreshold = float.NaN }));
    }

    [Fact]
    public void UseAfterDisposeIsRefused()
    {
        using var model = SharedData.Mtcnn();
        var session = new MtcnnSession(model);
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Detect(new byte[3], 1, 1, new FaceDetection[1]));
    }

    [Fact]
    public async Task TwoThreadsOnOneSessionGetAnException()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample1.jpg");
        using var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 40 });
        var expected = new FaceDetection[32];
        int count = session.Detect(photo.Pixels.Span, photo.Width, photo.Height, expected);

        // One thread works all the time; the other keeps trying and must be told, and nothing may be corrupted.
        int refused = 0;
        using var stop = new CancellationTokenSource();
        var intruder = Task.Run(() =>
        {
            var mine = new FaceDetection[32];
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    session.Detect(photo.Pixels.Span, photo.Width, photo.Height, mine);
                }
                catch (InvalidOperationException)
                {
                    refused++;
                }
            }
        }, TestContext.Current.CancellationToken);
        int wins = 0;
        var watch = Stopwatch.StartNew();
        while (watch.ElapsedMilliseconds < 20000 && (wins < 3 || Volatile.Read(ref refused) == 0))
        {
            var actual = new FaceDetection[32];
            try
            {
                Assert.Equal(count, session.Detect(photo.Pixels.Span, photo.Width, photo.Height, actual));
                Assert.Equal(expected[0].Score, actual[0].Score);
                wins++;
            }
            catch (InvalidOperationException)
            {
                Thread.Yield();
            }
        }

        await stop.CancelAsync();
        await intruder;
        Assert.True(wins > 0 && refused > 0, $"{wins} calls went through, {refused} were refused");
    }

    [Fact]
    public async Task DisposingDuringACallIsSafe()
    {
        using var model = SharedData.Mtcnn();
        var photo = SharedData.Photo("sample1.jpg");
        for (int i = 0; i < 5; i++)
        {
            var session = new MtcnnSession(model, new MtcnnOptions { MinFace = 40 });
            var pool = session.Pool;
            using var started = new ManualResetEventSlim();
            var worker = Task.Run(() =>
            {
                var results = new FaceDetection[32];
                session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results);
                started.Set();
                try
                {
                    while (true) session.Detect(photo.Pixels.Span, photo.Width, photo.Height, results);
                }
                catch (ObjectDisposedException)
                {
                }
            }, TestContext.Current.CancellationToken);
            started.Wait(TestContext.Current.CancellationToken);
            await Task.Delay(i, TestContext.Current.CancellationToken);
            session.Dispose();
            await worker;
            Assert.Equal(0, pool.Statistics.InUseBytes);
        }
    }

    [Fact]
    public void ABudgetTooSmallIsAClearError()
    {
        using var model = SharedData.Mtcnn();
        using var pool = new DeviceMemoryPool(Device.Cpu, new DeviceMemoryPoolOptions { BudgetBytes = 32 << 20 });
        using var session = new MtcnnSession(model, null, new DeviceStreamOptions { Pool = pool });
        var error = Assert.Throws<DeviceOutOfMemoryException>(() => session.Detect(new byte[3 * 3000 * 3000], 3000, 3000, new FaceDetection[1]));
        Assert.Contains("budget", error.Message, StringComparison.OrdinalIgnoreCase);
        // Nothing stuck: a smaller image still works.
        Assert.Equal(0, session.Detect(new byte[3 * 40 * 40], 40, 40, new FaceDetection[1]));
    }
}
