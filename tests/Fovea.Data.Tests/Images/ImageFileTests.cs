using SkiaSharp;
using Xunit;

namespace Fovea.Data.Tests;

public sealed class ImageFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fovea-images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(6, 1)]
    [InlineData(7, 2)]
    [InlineData(131, 67)]
    [InlineData(20000, 1)]
    [InlineData(1, 20000)]
    public void PngRoundTripIsExact(int width, int height)
    {
        var image = TestImages.Gradient(width, height);
        var path = Path.Combine(_folder, "x.png");
        ImageFile.Save(path, image);
        var loaded = ImageFile.LoadRgb(path);
        Assert.Equal((width, height), (loaded.Width, loaded.Height));
        Assert.True(loaded.Pixels.Span.SequenceEqual(image.Pixels.Span));
        Assert.Equal(new ImageSize(width, height), ImageFile.ReadSize(path));
    }

    [Theory]
    [InlineData("x.jpg")]
    [InlineData("x.JPEG")]
    [InlineData("x.webp")]
    public void LossyRoundTripIsClose(string name)
    {
        var image = TestImages.Gradient(320, 200);
        var path = Path.Combine(_folder, name);
        ImageFile.Save(path, image, quality: 95);
        var loaded = ImageFile.LoadRgb(path);
        // Chroma is subsampled, so single pixels may differ more than the average over the picture.
        var difference = 0.0;
        for (var i = 0; i < image.Pixels.Length; i++) difference += Math.Abs(loaded.Pixels.Span[i] - image.Pixels.Span[i]);
        Assert.InRange(difference / image.Pixels.Length, 0, 6);
    }

    [Fact]
    public void UnknownExtensionIsRefused() =>
        Assert.Contains(".png", Assert.Throws<ArgumentException>(() => ImageFile.Save(Path.Combine(_folder, "x.tga"), TestImages.Gradient(2, 2))).Message);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void ExifOrientationIsApplied(int orientation)
    {
        const int width = 48, height = 32;
        var jpeg = TestImages.Encode(TestImages.Gradient(width, height), SKEncodedImageFormat.Jpeg, 100);
        var upright = ImageFile.DecodeRgb(jpeg, "upright");
        var turned = ImageFile.DecodeRgb(HandmadeJpeg.WithOrientation(jpeg, orientation), "turned");
        var transposed = orientation >= 5;
        Assert.Equal(transposed ? (height, width) : (width, height), (turned.Width, turned.Height));
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                // Where TIFF 6.0 puts the stored pixel (x, y): 2 mirrored, 3 half turn, 4 upside down, 5 transposed, 6 and 8 quarter turns.
                var (tx, ty) = orientation switch
                {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (height - 1 - y, x),
                    7 => (height - 1 - y, width - 1 - x),
                    8 => (y, width - 1 - x),
                    _ => (x, y),
                };
                Assert.Equal(TestImages.Pixel(upright, x, y), TestImages.Pixel(turned, tx, ty));
            }
    }

    [Fact]
    public void AlphaIsCompositedOnWhite()
    {
        var image = ImageFile.DecodeRgb(HandmadePng.Build(4, 1, 8, 6, [200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128, 0, 0, 0, 64]), "rgba");
        Assert.Equal((200, 100, 0), TestImages.Pixel(image, 0, 0));
        Assert.Equal((255, 255, 255), TestImages.Pixel(image, 1, 0));
        Near(227, 177, 127, TestImages.Pixel(image, 2, 0));
        Near(191, 191, 191, TestImages.Pixel(image, 3, 0));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void GreyAndSixteenBitPngAreAccepted(int depth)
    {
        byte[] Sample(byte value) => depth == 8 ? [value] : [value, value];
        var grey = ImageFile.DecodeRgb(HandmadePng.Build(2, 1, depth, 0, [.. Sample(10), .. Sample(250)]), "grey");
        Near(10, 10, 10, TestImages.Pixel(grey, 0, 0));
        Near(250, 250, 250, TestImages.Pixel(grey, 1, 0));
        var rgb = ImageFile.DecodeRgb(HandmadePng.Build(1, 1, depth, 2, [.. Sample(10), .. Sample(20), .. Sample(30)]), "rgb");
        Near(10, 20, 30, TestImages.Pixel(rgb, 0, 0));
        var greyAlpha = ImageFile.DecodeRgb(HandmadePng.Build(1, 1, depth, 4, [.. Sample(0), .. Sample(0)]), "grey + alpha");
        Near(255, 255, 255, TestImages.Pixel(greyAlpha, 0, 0));
        var rgba = ImageFile.DecodeRgb(HandmadePng.Build(1, 1, depth, 6, [.. Sample(9), .. Sample(8), .. Sample(7), .. Sample(255)]), "rgba");
        Near(9, 8, 7, TestImages.Pixel(rgba, 0, 0));
    }

    [Fact]
    public void OneBitPngIsAccepted()
    {
        var image = ImageFile.DecodeRgb(HandmadePng.Build(3, 1, 1, 0, [0b1010_0000]), "bits");
        Assert.Equal((255, 255, 255), TestImages.Pixel(image, 0, 0));
        Assert.Equal((0, 0, 0), TestImages.Pixel(image, 1, 0));
    }

    [Fact]
    public void GreyJpegIsAccepted()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(16, 16, SKColorType.Gray8, SKAlphaType.Opaque));
        bitmap.GetPixelSpan().Fill(77);
        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 95);
        Near(77, 77, 77, TestImages.Pixel(ImageFile.DecodeRgb(data.ToArray(), "grey"), 8, 8));
    }

    [Fact]
    public void CmykJpegIsAccepted()
    {
        var image = ImageFile.DecodeRgb(HandmadeJpeg.Cmyk(0, 200, 100, 30), "cmyk");
        Assert.Equal((8, 8), (image.Width, image.Height));
        // R = (255 - C)(255 - K) / 255 and so on; Skia's fixed-point conversion may differ by a little.
        Near(225, 49, 137, TestImages.Pixel(image, 3, 3), 2);
    }

    [Fact]
    public void DecodesIntoACallersBuffer()
    {
        var image = TestImages.Gradient(9, 5);
        var png = TestImages.Encode(image, SKEncodedImageFormat.Png);
        var buffer = new byte[9 * 5 * 3 + 10];
        buffer.AsSpan().Fill(0xEE);
        Assert.Equal(new ImageSize(9, 5), ImageFile.DecodeRgb(png, buffer, "span"));
        Assert.True(buffer.AsSpan(0, 135).SequenceEqual(image.Pixels.Span));
        Assert.True(buffer.AsSpan(135).IndexOfAnyExcept((byte)0xEE) < 0);
        Assert.Throws<ArgumentException>(() => ImageFile.DecodeRgb(png, new byte[134], "span"));
    }

    [Fact]
    public void RgbImageChecksItsSize()
    {
        Assert.Throws<ArgumentException>(() => new RgbImage(2, 2, new byte[11]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RgbImage(0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RgbImage(60000, 60000));
    }

    private static void Near(int r, int g, int b, (byte R, byte G, byte B) pixel, int tolerance = 1)
    {
        Assert.InRange(pixel.R, r - tolerance, r + tolerance);
        Assert.InRange(pixel.G, g - tolerance, g + tolerance);
        Assert.InRange(pixel.B, b - tolerance, b + tolerance);
    }
}
