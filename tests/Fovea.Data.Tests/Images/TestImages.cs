using SkiaSharp;

namespace Fovea.Data.Tests;

/// <summary>Images made on the spot.</summary>
internal static class TestImages
{
    /// <summary>A smooth, asymmetric picture: no row, column or corner equals another.</summary>
    internal static RgbImage Gradient(int width, int height)
    {
        var image = new RgbImage(width, height);
        var pixels = image.Pixels.Span;
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                pixels[3 * (y * width + x)] = (byte)(255 * x / Math.Max(width - 1, 1));
                pixels[3 * (y * width + x) + 1] = (byte)(255 * y / Math.Max(height - 1, 1));
                pixels[3 * (y * width + x) + 2] = (byte)(64 + 64 * ((x / 8 + y / 8) % 2));
            }
        return image;
    }

    internal static byte[] Encode(RgbImage image, SKEncodedImageFormat format, int quality = 95)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var source = image.Pixels.Span;
        var target = bitmap.GetPixelSpan();
        for (var i = 0; i < image.Width * image.Height; i++)
        {
            source.Slice(3 * i, 3).CopyTo(target[(4 * i)..]);
            target[4 * i + 3] = 255;
        }
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    internal static (byte R, byte G, byte B) Pixel(RgbImage image, int x, int y)
    {
        var at = image.Pixels.Span[(3 * (y * image.Width + x))..];
        return (at[0], at[1], at[2]);
    }
}
