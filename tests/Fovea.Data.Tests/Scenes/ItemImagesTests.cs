using System.Buffers.Binary;
using System.IO.Compression;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class ItemImagesTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void IdxFilesAreRead(bool isZipped)
    {
        using var folder = new TempFolder();
        var bytes = Idx([2, 3, 4], [.. Enumerable.Range(0, 24).Select(i => (byte)i)]);
        var file = IdxFile.Read(folder.Write("a", isZipped ? Zip(bytes) : bytes));
        Assert.Equal([2, 3, 4], file.Shape);
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (byte)i), file.Elements.ToArray());
        Assert.Empty(IdxFile.Parse(Idx([0, 28, 28], []), "empty").Elements.ToArray());
    }

    [Fact]
    public void EveryCutIsRefusedByName()
    {
        var elements = new byte[500];
        new Random(1).NextBytes(elements);
        var plain = Idx([500], elements);
        var zipped = Zip(plain);
        for (var length = 0; length < plain.Length; length++)
            Assert.StartsWith("cut.idx: ", Assert.Throws<IdxFormatException>(() => IdxFile.Parse(plain[..length], "cut.idx")).Message);
        // The last 8 bytes are a checksum and a length: whoever cuts there takes no element away.
        for (var length = 0; length < zipped.Length - 8; length++)
            Assert.Equal("cut.gz", Assert.Throws<IdxFormatException>(() => IdxFile.Parse(zipped[..length], "cut.gz")).FileName);
    }

    [Fact]
    public void ClaimsAreCheckedBeforeMemoryIsTaken()
    {
        foreach (var (file, problem) in new (byte[], string)[]
        {
            ([0, 0, 9, 1, 0, 0, 0, 0], "0x00000901 does not begin"),
            ([0, 0, 8, 0], "0x00000800"),
            ([0, 0, 8, 9], "0x00000809"),
            ([1, 0, 8, 1, 0, 0, 0, 0], "0x01000801"),
            (Header([0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF]), "more elements than the file can hold"),
            (Header([0xFFFFFFFF]), "more elements"),
            (Zip(Header([1 << 30])), "more elements"),
            (Zip([.. Idx([2], [1, 2]), 3]), "goes on behind its 2 elements"),
        })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains(problem, Assert.Throws<IdxFormatException>(() => IdxFile.Parse(file, "x")).Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
        var damaged = Zip(Idx([300], [.. Enumerable.Range(0, 300).Select(i => (byte)(i * i))]));
        damaged[40] ^= 0x55;
        Assert.Throws<IdxFormatException>(() => IdxFile.Parse(damaged, "x"));
    }

    [Fact]
    public void PicturesAndLabelsMustFit()
    {
        var pictures = Idx([2, 4, 4], new byte[32]);
        foreach (var (images, labels, problem) in new (byte[], byte[], string)[]
        {
            (pictures, Idx([3], [0, 0, 0]), "2 pictures with 3 labels"),
            (pictures, pictures, "3 dimensions and labels 1, not 3 and 3"),
            (pictures, Idx([2], [0, 2]), "picture 1 has class 2 of 2"),
            (Idx([0, 4, 4], []), Idx([0], []), "no pictures"),
            (Idx([1, 1, 2000], new byte[2000]), Idx([1], [0]), "2000x1"),
        })
            Assert.Contains(problem, Assert.Throws<IdxFormatException>(() => Items(images, labels)).Message);
    }

    [Fact]
    public void PicturesAreCutOutScaledByAreaAndPasted()
    {
        // Class 1 is a block of 4 x 2 pixels away from the corner, beside a faint pixel; class 0 has no picture.
        var pixels = new byte[8 * 8];
        for (var x = 2; x < 6; x++) pixels[3 * 8 + x] = pixels[4 * 8 + x] = 255;
        pixels[63] = 31;
        var items = Items(Idx([1, 8, 8], pixels), Idx([1], [1]));
        foreach (var (size, width, height) in ((int, int, int)[])[(4, 4, 2), (8, 8, 4), (3, 3, 1), (2, 2, 1)])
        {
            var sprite = SceneSprite.Of(items, 0, size);
            Assert.Equal((width, height), (sprite.Width, sprite.Height));
            Assert.All(sprite.Alpha, a => Assert.Equal(255, a));
        }
        // Two columns of 255 and 100 become one of their mean, three of 255 and 100 share the middle one.
        var two = Items(Idx([1, 2, 2], [255, 100, 255, 100]), Idx([1], [0]));
        Assert.Equal([178], SceneSprite.Of(two, 0, 1).Alpha);
        Assert.Equal([255, 178, 100], SceneSprite.Of(two, 0, 3).Alpha[..3]);

        var scenes = new SceneGenerator(new SceneOptions { Shapes = [SceneShape.Disc], Items = items, MinSize = 8, MaxSize = 16 }, seed: 1, count: 20);
        Assert.Equal(["disc", "zero", "one"], scenes.ClassNames);
        var pasted = Enumerable.Range(0, 20).SelectMany(i => scenes.Load(i).Objects).Where(o => o.Class > 0).ToArray();
        Assert.NotEmpty(pasted);
        Assert.All(pasted, o => Assert.Equal((2, (int)(o.X2 - o.X1) / 2), (o.Class, (int)(o.Y2 - o.Y1))));
    }

    [Fact]
    public void FashionMnistHasItsNumbers()
    {
        Assert.SkipUnless(FashionMnist.IsInstalled(), "Fashion-MNIST is not installed; run fovea models fetch fashion-mnist");
        var items = FashionMnist.Open(isTest: true);
        Assert.Equal((10000, 28, 28), (items.Count, items.Width, items.Height));
        for (var c = 0; c < 10; c++) Assert.Equal(1000, items.OfClass(c).Length);
        Assert.Equal("ankle boot", items.ClassNames[items.ClassOf(0)]);
        var scene = new SceneGenerator(new SceneOptions { Shapes = [], Items = items }, 1, 1).Load(0);
        Assert.All(scene.Objects, o => Assert.Equal(((int)o.X1, (int)o.Y1, (int)o.X2, (int)o.Y2), PixelBounds.Of(o.Mask, 96, 96)));
    }

    [Fact]
    public void MissingFilesNameTheCommand()
    {
        Assert.SkipWhen(Directory.Exists(FashionMnist.SystemFolder), "Fashion-MNIST is installed");
        using var folder = new TempFolder();
        var error = Assert.Throws<ModelNotInstalledException>(() => FashionMnist.Open(store: new ModelStore(folder.Path)));
        Assert.EndsWith("run fovea models fetch fashion-mnist", error.Message);
    }

    private static ItemImages Items(byte[] images, byte[] labels) =>
        new(IdxFile.Parse(images, "images"), IdxFile.Parse(labels, "labels"), ["zero", "one"], "items");

    private static byte[] Idx(int[] shape, byte[] elements) => [.. Header([.. shape.Select(s => (uint)s)]), .. elements];

    private static byte[] Header(uint[] shape)
    {
        var header = new byte[4 + 4 * shape.Length];
        (header[2], header[3]) = (8, (byte)shape.Length);
        for (var i = 0; i < shape.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4 + 4 * i), shape[i]);
        return header;
    }

    private static byte[] Zip(byte[] bytes)
    {
        using var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Optimal)) zip.Write(bytes);
        return zipped.ToArray();
    }
}
