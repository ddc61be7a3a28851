using System.Runtime.InteropServices;
using SkiaSharp;

namespace Fovea.Data;

/// <summary>
/// One decode of an encoded image. Holds a private copy of the bytes (Skia keeps a pointer to them) and decodes in strips of
/// rows where the format allows it, so that the peak is the result plus a strip, not the result plus a 4-byte copy of it.
/// </summary>
internal sealed class ImageDecoder : IDisposable
{
    // A strip stays in the L2 cache while it is composited, and its rows amortise the call into Skia.
    private const int StripBytes = 256 * 1024;

    private readonly string _name;
    private readonly SKData _data;
    private readonly SKCodec _codec;

    internal ImageDecoder(ReadOnlySpan<byte> encoded, string name, ImageLoadOptions options)
    {
        _name = name;
        if (encoded.IsEmpty) throw new ImageFormatException(name, "the file is empty");
        _data = SKData.CreateCopy(encoded);
        try
        {
            _codec = SKCodec.Create(_data) ?? throw new ImageFormatException(name, "not an image in a known format, or cut off in its header");
            var (width, height) = (_codec.Info.Width, _codec.Info.Height);
            if (width <= 0 || height <= 0) throw Invalid($"impossible size {width}x{height}");
            if ((long)width * height > options.MaxPixels)
                throw Invalid($"{width}x{height} is {(long)width * height} pixels, the limit is {options.MaxPixels}");
            Size = IsTransposed(_codec.EncodedOrigin) ? new ImageSize(height, width) : new ImageSize(width, height);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal ImageSize Size { get; }

    public void Dispose()
    {
        _codec?.Dispose();
        _data.Dispose();
    }

    /// <summary>Decodes into exactly <c>Size.RgbBytes</c> bytes.</summary>
    internal void Decode(Span<byte> rgb)
    {
        var (width, height) = (_codec.Info.Width, _codec.Info.Height);
        // No colour space: samples are taken as they are.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul);
        if (_codec.StartScanlineDecode(info) == SKCodecResult.Success && _codec.ScanlineOrder == SKCodecScanlineOrder.TopDown)
            DecodeStrips(info, rgb);
        else
            DecodeWhole(info, rgb);
    }

    private unsafe void DecodeStrips(SKImageInfo info, Span<byte> rgb)
    {
        var rowBytes = info.RowBytes;
        var rows = Math.Clamp(StripBytes / rowBytes, 1, info.Height);
        var strip = (byte*)NativeMemory.Alloc((nuint)rows, (nuint)rowBytes);
        try
        {
            for (var first = 0; first < info.Height; first += rows)
            {
                var count = Math.Min(rows, info.Height - first);
                var decoded = _codec.GetScanlines((nint)strip, count, rowBytes);
                if (decoded != count) throw Invalid($"truncated or damaged: {first + Math.Max(decoded, 0)} of {info.Height} rows are there");
                PixelCopy.CompositeOriented(
                    new ReadOnlySpan<byte>(strip, count * rowBytes), first, count, info.Width, info.Height, _codec.EncodedOrigin, rgb);
            }
        }
        finally
        {
            NativeMemory.Free(strip);
        }
    }

    // Interlaced PNG, WebP, GIF, bottom-up BMP.
    private unsafe void DecodeWhole(SKImageInfo info, Span<byte> rgb)
    {
        var rowBytes = info.RowBytes;
        var pixels = (byte*)NativeMemory.Alloc((nuint)info.Height, (nuint)rowBytes);
        try
        {
            var result = _codec.GetPixels(info, (nint)pixels);
            if (result != SKCodecResult.Success)
                throw Invalid(result == SKCodecResult.IncompleteInput ? "truncated" : $"damaged ({result})");
            // Row by row: a span cannot hold more than 2 GiB.
            for (var y = 0; y < info.Height; y++)
            {
                var row = new ReadOnlySpan<byte>(pixels + (long)y * rowBytes, rowBytes);
                PixelCopy.CompositeOriented(row, y, 1, info.Width, info.Height, _codec.EncodedOrigin, rgb);
            }
        }
        finally
        {
            NativeMemory.Free(pixels);
        }
    }

    private ImageFormatException Invalid(string problem) => new(_name, problem);

    private static bool IsTransposed(SKEncodedOrigin origin) =>
        origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
}
