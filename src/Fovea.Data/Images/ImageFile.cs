using SkiaSharp;

namespace Fovea.Data;

/// <summary>
/// Reads and writes image files. Reading accepts JPEG (grey, colour, CMYK), PNG (all depths), WebP, GIF (first frame), BMP and
/// ICO; it applies the EXIF orientation, composites transparency on white, rounds 16-bit samples to 8 bits and leaves colour
/// profiles unapplied. Size limits are checked on the header, before anything is decoded. All methods are thread-safe.
/// </summary>
public static class ImageFile
{
    private static readonly ImageLoadOptions DefaultOptions = new();

    /// <summary>Size of an image, from its header alone.</summary>
    /// <inheritdoc cref="LoadRgb(string, ImageLoadOptions?)" path="/exception"/>
    public static ImageSize ReadSize(string path, ImageLoadOptions? options = null) => ReadSize(ReadFile(path, options), path, options);

    /// <summary>Size of an encoded image in memory, from its header alone; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="ImageFormatException">It is no image, or its header exceeds a limit.</exception>
    public static ImageSize ReadSize(ReadOnlySpan<byte> encoded, string name, ImageLoadOptions? options = null)
    {
        using var decoder = new ImageDecoder(encoded, name, options ?? DefaultOptions);
        return decoder.Size;
    }

    /// <summary>Decodes a file.</summary>
    /// <exception cref="ImageFormatException">The file is empty, no image, truncated, damaged or beyond a limit; the message names it.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static RgbImage LoadRgb(string path, ImageLoadOptions? options = null) => DecodeRgb(ReadFile(path, options), path, options);

    /// <summary>Decodes an image in memory; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="ImageFormatException">It is no image, truncated, damaged or beyond a limit.</exception>
    public static RgbImage DecodeRgb(ReadOnlySpan<byte> encoded, string name, ImageLoadOptions? options = null)
    {
        using var decoder = new ImageDecoder(encoded, name, options ?? DefaultOptions);
        if (decoder.Size.RgbBytes > Array.MaxLength)
            throw new ImageFormatException(name, $"{decoder.Size.Width}x{decoder.Size.Height} pixels do not fit in one array");
        var pixels = GC.AllocateUninitializedArray<byte>((int)decoder.Size.RgbBytes);
        decoder.Decode(pixels);
        return new RgbImage(decoder.Size.Width, decoder.Size.Height, pixels);
    }

    /// <summary>
    /// Decodes an image in memory into the caller's buffer, which may be larger than needed; returns the size. Use
    /// <see cref="ReadSize(ReadOnlySpan{byte}, string, ImageLoadOptions?)"/> to learn <see cref="ImageSize.RgbBytes"/> before.
    /// </summary>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too small.</exception>
    /// <exception cref="ImageFormatException">It is no image, truncated, damaged or beyond a limit; the buffer may be partly written.</exception>
    public static ImageSize DecodeRgb(ReadOnlySpan<byte> encoded, Span<byte> destination, string name, ImageLoadOptions? options = null)
    {
        using var decoder = new ImageDecoder(encoded, name, options ?? DefaultOptions);
        if (destination.Length < decoder.Size.RgbBytes)
            throw new ArgumentException($"{name}: needs {decoder.Size.RgbBytes} bytes, the buffer has {destination.Length}", nameof(destination));
        decoder.Decode(destination[..(int)decoder.Size.RgbBytes]);
        return decoder.Size;
    }

    /// <summary>Writes a file in the format of its extension: .png, .jpg, .jpeg or .webp. An existing file is replaced.</summary>
    /// <exception cref="ArgumentException">The extension is another one.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, RgbImage image, int quality = 92)
    {
        ArgumentNullException.ThrowIfNull(image);
        var format = FormatOf(path) ??
            throw new ArgumentException($"{path}: unknown image extension; known: .png, .jpg, .jpeg, .webp", nameof(path));
        using var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        PixelCopy.Widen(image.Pixels.Span, bitmap.GetPixelSpan());
        using var encoded = bitmap.Encode(format, quality) ??
            throw new IOException($"{path}: {image.Width}x{image.Height} pixels cannot be encoded as {format}");
        File.WriteAllBytes(path, encoded.AsSpan());
    }

    /// <summary>Whether <see cref="Save"/> knows the extension of <paramref name="path"/>.</summary>
    public static bool CanSave(string path) => FormatOf(path) is not null;

    private static SKEncodedImageFormat? FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".PNG" => SKEncodedImageFormat.Png,
        ".JPG" or ".JPEG" => SKEncodedImageFormat.Jpeg,
        ".WEBP" => SKEncodedImageFormat.Webp,
        _ => null,
    };

    private static byte[] ReadFile(string path, ImageLoadOptions? options)
    {
        if (Directory.Exists(path)) throw new ImageFormatException(path, "is a folder, not an image");
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var length = RandomAccess.GetLength(file);
        var limit = (options ?? DefaultOptions).MaxFileBytes;
        if (length == 0) throw new ImageFormatException(path, "the file is empty");
        if (length > limit || length > Array.MaxLength)
            throw new ImageFormatException(path, $"{length} bytes exceed the limit of {limit} bytes per file");
        var bytes = GC.AllocateUninitializedArray<byte>((int)length);
        var read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), read) is var count and > 0) read += count;
        return read == bytes.Length ? bytes : bytes[..read];
    }
}
