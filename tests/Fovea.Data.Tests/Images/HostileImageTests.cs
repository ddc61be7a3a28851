using SkiaSharp;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class HostileImageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-hostile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EmptyForeignAndMissingFilesAreNamed()
    {
        Assert.Contains("empty", Refused("empty.jpg", []));
        Assert.Contains("not an image", Refused("text.jpg", "this is not an image, whatever its name says"u8.ToArray()));
        Assert.Contains("not an image", Refused("magic.jpg", [0xFF, 0xD8, 0xFF]));
        Assert.Contains("folder", Assert.Throws<ImageFormatException>(() => ImageFile.LoadRgb(_folder)).Message);
        Assert.Throws<FileNotFoundException>(() => ImageFile.LoadRgb(Path.Combine(_folder, "missing.jpg")));
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void TruncatedFilesAreRefusedAtEveryLength(SKEncodedImageFormat format)
    {
        var whole = TestImages.Encode(TestImages.Gradient(64, 48), format);
        var pixels = ImageFile.DecodeRgb(whole, "whole").Pixels;
        // The last bytes may hold no pixels: an end marker, or PNG's checksums (4 + 4) and IEND chunk (12). Then the picture must
        // be complete.
        const int trailer = 24;
        for (var length = 0; length < whole.Length - trailer; length++)
            Assert.Throws<ImageFormatException>(() => ImageFile.DecodeRgb(whole.AsSpan(0, length), "cut"));
        for (var length = whole.Length - trailer; length < whole.Length; length++)
        {
            try
            {
                Assert.True(ImageFile.DecodeRgb(whole.AsSpan(0, length), "cut").Pixels.Span.SequenceEqual(pixels.Span));
            }
            catch (ImageFormatException)
            {
            }
        }
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void RandomDamageIsRefusedOrDecoded(SKEncodedImageFormat format)
    {
        var whole = TestImages.Encode(TestImages.Gradient(40, 24), format);
        var random = new Random(7);
        var limit = new ImageLoadOptions { MaxPixels = 1_000_000 };
        for (var round = 0; round < 3000; round++)
        {
            var copy = (byte[])whole.Clone();
            for (var flips = random.Next(1, 5); flips > 0; flips--) copy[random.Next(copy.Length)] = (byte)random.Next(256);
            try
            {
                ImageFile.DecodeRgb(copy, "damaged", limit);
            }
            catch (ImageFormatException e)
            {
                Assert.StartsWith("damaged: ", e.Message);
            }
        }
    }

    [Fact]
    public void LimitsAreCheckedOnTheHeader()
    {
        // 40,000 x 40,000 = 4.8 GB as RGB, declared by a file of a few bytes.
        var bomb = HandmadePng.Build(40000, 40000, 8, 2, []);
        var message = Assert.Throws<ImageFormatException>(() => ImageFile.DecodeRgb(bomb, "bomb")).Message;
        Assert.Contains("40000x40000 is 1600000000 pixels", message);
        Assert.Contains("100000000", message);
        var small = TestImages.Encode(TestImages.Gradient(10, 10), SKEncodedImageFormat.Png);
        Assert.Throws<ImageFormatException>(() => ImageFile.DecodeRgb(small, "small", new ImageLoadOptions { MaxPixels = 99 }));
        ImageFile.DecodeRgb(small, "small", new ImageLoadOptions { MaxPixels = 100 });
        Assert.Contains("per file", Refused("big.png", small, new ImageLoadOptions { MaxFileBytes = 20 }));
    }

    private string Refused(string name, byte[] bytes, ImageLoadOptions? options = null)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<ImageFormatException>(() => ImageFile.LoadRgb(path, options));
        Assert.Equal(path, error.FileName);
        Assert.StartsWith(path + ": ", error.Message);
        return error.Message;
    }
}
