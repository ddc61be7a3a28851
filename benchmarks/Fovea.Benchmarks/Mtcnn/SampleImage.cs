using Fovea.Data;

namespace Fovea.Benchmarks.Mtcnn;

/// <summary>The image that detectors are timed on.</summary>
internal static class SampleImage
{
    /// <summary>Loads an image and shrinks it so that no side is longer than <paramref name="maxSide"/>; 0 keeps its size.</summary>
    /// <param name="store">Where the sample photos are.</param>
    /// <param name="path">The file, or null for the first sample photo.</param>
    /// <param name="maxSide">Longest side in pixels, or 0.</param>
    public static RgbImage Load(ModelStore store, string? path, int maxSide)
    {
        var image = ImageFile.LoadRgb(path ?? Path.Combine(store.Folder, "images", "sample1.jpg"));
        int side = Math.Max(image.Width, image.Height);
        if (maxSide <= 0 || side <= maxSide) return image;
        int width = (int)Math.Round((double)image.Width * maxSide / side), height = (int)Math.Round((double)image.Height * maxSide / side);
        var small = new RgbImage(Math.Max(1, width), Math.Max(1, height));
        using var stream = Device.Cpu.CreateStream();
        using var from = DeviceTensor.From<byte>(stream, image.Pixels.Span, 1, image.Height, image.Width, 3);
        using var to = DeviceTensor.Allocate(stream, DType.UInt8, 1, small.Height, small.Width, 3);
        Kernels.Resize(stream, new ResizeOptions { Mode = ResizeMode.Area }, from, to);
        to.CopyTo(stream, small.Pixels.Span);
        return small;
    }
}
