using Xunit;

namespace Fovea.Data.Tests.Pipelines;

public sealed class PipelineTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MapKeepsTheOrderAndItsBound()
    {
        var (running, most) = (0, 0);
        var results = await Numbers(40).Map(i =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            Thread.Sleep(i % 3);
            Interlocked.Decrement(ref running);
            return i * i;
        }, 3, Stop).ToListAsync(Stop);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => i * i), results);
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task MapFailsAtTheElementThatFailed()
    {
        var seen = new List<int>();
        await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var i in Numbers(20).Map(i => i == 7 ? throw new InvalidDataException() : i, 4, Stop)) seen.Add(i);
        });
        Assert.Equal(Enumerable.Range(0, 7), seen);
    }

    [Fact]
    public async Task PrefetchRunsAheadByItsBound()
    {
        var produced = 0;
        async IAsyncEnumerable<int> Source()
        {
            await Task.Yield();
            for (var i = 0; i < 100; i++)
            {
                Volatile.Write(ref produced, i + 1);
                yield return i;
            }
        }
        var taken = 0;
        await foreach (var i in Source().Prefetch(4, Stop))
        {
            Assert.Equal(taken++, i);
            // Taken, in the channel, and one in the hand of the writer.
            Assert.InRange(Volatile.Read(ref produced), taken, taken + 5);
        }
        Assert.Equal(100, taken);
    }

    [Fact]
    public async Task PrefetchEndsEarlyAndPassesFailuresOn()
    {
        await foreach (var i in Numbers(int.MaxValue).Prefetch(2, Stop))
            if (i == 10) break;
        var seen = 0;
        await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var _ in Numbers(5, fails: true).Prefetch(10, Stop)) seen++;
        });
        Assert.Equal(5, seen);
    }

    [Theory]
    [InlineData(1, 1, "0 1 2 10 20 21 22 23")]
    [InlineData(2, 1, "0 10 1 20 2 21 22 23")]
    [InlineData(3, 2, "0 1 10 20 2 21 22 23")]
    public async Task InterleaveTakesTurns(int cycle, int block, string expected)
    {
        IAsyncEnumerable<int>[] sources = [Numbers(3), Numbers(1).Select(i => 10 + i), Numbers(0), Numbers(4).Select(i => 20 + i)];
        Assert.Equal(expected, string.Join(' ', await sources.Interleave(cycle, block, Stop).ToListAsync(Stop)));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public async Task BatchesComeInOrder(int ahead, bool compressed)
    {
        using var folder = new TempFolder();
        var compression = compressed ? TfRecordCompression.Gzip : TfRecordCompression.None;
        var paths = Enumerable.Range(0, 3).Select(f => Write(folder, f, 35, compression)).ToArray();
        foreach (var drop in (bool[])[false, true])
        {
            using var dataset = new TfRecordDataset(paths, new() { Reader = new() { Compression = compression } });
            var ids = new List<long>();
            var sizes = new List<int>();
            await foreach (var batch in dataset.ReadBatchesAsync(Parser, new() { BatchSize = 10, Ahead = ahead, DropRemainder = drop }, null, Stop))
            {
                sizes.Add(batch.Count);
                ids.AddRange(batch["id"].Int64s);
            }
            Assert.Equal(Enumerable.Range(0, drop ? 100 : 105).Select(i => (long)i), ids);
            Assert.Equal(drop ? Enumerable.Repeat(10, 10) : [.. Enumerable.Repeat(10, 10), 5], sizes);
        }
    }

    [Fact]
    public async Task BatchesReachTheDevice()
    {
        using var folder = new TempFolder();
        var path = Write(folder, 0, 64);
        using var dataset = new TfRecordDataset([path], new() { ShuffleBuffer = 16, Seed = 3 });
        using var stream = Device.Cpu.CreateStream();
        var ids = new List<long>();
        await foreach (var batch in dataset.ReadBatchesAsync(Parser, new() { BatchSize = 16 }, stream, Stop))
        {
            using var id = batch["id"].ToTensor(stream);
            using var x = batch["x"].ToTensor(stream);
            Assert.Equal([16, 4], x.Shape);
            ids.AddRange(id.ToArray<long>(stream));
            Assert.All(x.ToArray<float>(stream).Chunk(4).Zip(ids.TakeLast(16)), pair => Assert.Equal([pair.Second, 1, 2, 3], pair.First));
        }
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (long)i), ids.Order());
    }

    [Fact]
    public async Task DamageComesBehindTheBatchesBeforeIt()
    {
        using var folder = new TempFolder();
        var path = Write(folder, 0, 35);
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var dataset = new TfRecordDataset([path]);
        var batches = 0;
        await Assert.ThrowsAsync<TfRecordException>(async () =>
        {
            await foreach (var _ in dataset.ReadBatchesAsync(Parser, new() { BatchSize = 10, Ahead = 4 }, null, Stop)) batches++;
        });
        Assert.Equal(3, batches);
        using var other = new TfRecordDataset([Write(folder, 1, 30)]);
        var strict = new ExampleParser(new FixedLenFeature("missing", FeatureKind.Int64));
        await Assert.ThrowsAsync<ExampleException>(async () => await other.ReadBatchesAsync(strict, new() { BatchSize = 10 }, null, Stop).FirstAsync(Stop));
    }

    [Fact]
    public async Task BatchesEndEarlyAndAreCancelled()
    {
        using var folder = new TempFolder();
        using var dataset = new TfRecordDataset([Write(folder, 0, 100)]);
        await foreach (var batch in dataset.ReadBatchesAsync(Parser, new() { BatchSize = 5 }, null, Stop))
            if (batch["id"].Int64s[0] == 20) break;
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in dataset.ReadBatchesAsync(Parser, new() { BatchSize = 1 }, null, cancel.Token)) await cancel.CancelAsync();
        });
    }

    [Fact]
    public void ImagesAreDecodedInOrder()
    {
        var parser = new ExampleParser(new FixedLenFeature("image", FeatureKind.Bytes));
        using var batch = parser.CreateBatch();
        for (var side = 1; side <= 12; side++)
            batch.Add(new ExampleWriter().AddBytes("image", TestImages.Encode(TestImages.Gradient(side, 2), SkiaSharp.SKEncodedImageFormat.Png).AsSpan()).ToArray());
        Assert.Equal(Enumerable.Range(1, 12), batch["image"].DecodeRgb(3).Select(image => image.Width));
        batch.Add(new ExampleWriter().AddBytes("image", "no image"u8).ToArray());
        Assert.StartsWith("image[12]: ", Assert.Throws<ImageFormatException>(() => batch["image"].DecodeRgb()).Message);
    }

    private static readonly ExampleParser Parser = new(new FixedLenFeature("id", FeatureKind.Int64), new FixedLenFeature("x", FeatureKind.Float, 4));

    private static string Write(TempFolder folder, int file, int count, TfRecordCompression compression = TfRecordCompression.None)
    {
        using var writer = TfRecordWriter.Create(folder.Of($"{file}"), new() { Compression = compression });
        for (var i = 0; i < count; i++)
            writer.Write(new ExampleWriter().Add("id", count * (long)file + i).Add("x", count * file + i, 1f, 2f, 3f).ToArray());
        return folder.Of($"{file}");
    }

    private static async IAsyncEnumerable<int> Numbers(int count, bool fails = false)
    {
        for (var i = 0; i < count; i++)
        {
            if (i % 4 == 0) await Task.Yield();
            yield return i;
        }
        if (fails) throw new InvalidDataException();
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
            seen = Interlocked.CompareExchange(ref most, value, seen) is var before && before == seen ? value : before;
    }
}
