using Xunit;

namespace Fovea.Data.Tests;

public sealed class LabelledImageLoaderTests
{
    [Fact]
    public void ImagesComeInOrderAndNoFurtherAheadThanAllowed()
    {
        var (made, taken) = (0, 0);
        using var loader = new LabelledImageLoader(position =>
        {
            Thread.Sleep((int)(position % 3)); // later ones are ready first
            Interlocked.Increment(ref made);
            return Numbered(position);
        }, ahead: 4);
        Assert.Equal(0, Volatile.Read(ref made));
        var batch = new LabelledImage[3];
        for (var step = 0; step < 10; step++)
        {
            loader.Next(batch);
            foreach (var image in batch) Assert.Equal(taken++, image.Image.Width - 1);
            Assert.Equal(taken, loader.Position);
            Assert.InRange(Volatile.Read(ref made), taken, taken + 4);
        }
    }

    [Fact]
    public void ImagesAreMadeBeforeTheyAreAskedFor()
    {
        using var second = new ManualResetEventSlim();
        using var loader = new LabelledImageLoader(position =>
        {
            if (position == 1) second.Set();
            return Numbered(position);
        }, ahead: 2);
        loader.Next(new LabelledImage[1]);
        Assert.True(second.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void APositionIsGoneBackTo()
    {
        using var loader = new LabelledImageLoader(Numbered, ahead: 3);
        var batch = new LabelledImage[2];
        loader.Next(batch);
        loader.Position = 7;
        loader.Next(batch);
        Assert.Equal([8, 9], batch.Select(i => i.Image.Width));
        Assert.Equal(9, loader.Position);
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Position = -1);
    }

    [Fact]
    public void AFailureComesOutWhereItHappenedAndIsTriedAgain()
    {
        var fails = true;
        using var loader = new LabelledImageLoader(
            position => position == 4 && Volatile.Read(ref fails) ? throw new InvalidDataException("image 4") : Numbered(position), ahead: 8);
        var batch = new LabelledImage[3];
        loader.Next(batch);
        for (var attempt = 0; attempt < 2; attempt++)
        {
            Assert.Equal("image 4", Assert.Throws<InvalidDataException>(() => loader.Next(batch)).Message);
            Assert.Equal(3, loader.Position);
        }
        Volatile.Write(ref fails, false);
        loader.Next(batch);
        Assert.Equal([4, 5, 6], batch.Select(i => i.Image.Width));
    }

    [Fact]
    public void NothingRunsAfterDisposal()
    {
        var running = 0;
        var loader = new LabelledImageLoader(position =>
        {
            Interlocked.Increment(ref running);
            Thread.Sleep(20);
            Interlocked.Decrement(ref running);
            return Numbered(position);
        }, ahead: 4);
        loader.Next(new LabelledImage[1]);
        loader.Dispose();
        Assert.Equal(0, Volatile.Read(ref running));
        loader.Dispose();
    }

    private static LabelledImage Numbered(long position) => new(new RgbImage((int)position + 1, 1), []);
}
