namespace Fovea.Data;

/// <summary>An image in memory: rows top to bottom, 8-bit R, G, B interleaved, no padding.</summary>
public sealed class RgbImage
{
    /// <summary>Creates a black image.</summary>
    public RgbImage(int width, int height)
        : this(width, height, new byte[CheckedBytes(width, height)])
    {
    }

    /// <summary>Wraps <paramref name="pixels"/> (3 * width * height bytes) without copying.</summary>
    /// <exception cref="ArgumentException">The memory does not have exactly that size.</exception>
    public RgbImage(int width, int height, Memory<byte> pixels)
    {
        if (pixels.Length != CheckedBytes(width, height))
            throw new ArgumentException($"{width}x{height} RGB needs {CheckedBytes(width, height)} bytes, not {pixels.Length}", nameof(pixels));
        (Width, Height, Pixels) = (width, height, pixels);
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The pixels: byte 3 * (y * Width + x) is the red of pixel (x, y).</summary>
    public Memory<byte> Pixels { get; }

    private static int CheckedBytes(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        return (long)width * height <= Array.MaxLength / 3
            ? 3 * width * height
            : throw new ArgumentOutOfRangeException(nameof(height), $"{width}x{height} RGB does not fit in one array");
    }
}
