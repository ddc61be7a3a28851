using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using SkiaSharp;

namespace Fovea.Data;

/// <summary>Between Skia's premultiplied R, G, B, A rows and plain R, G, B.</summary>
internal static class PixelCopy
{
    /// <summary>Composites RGBA on white: with premultiplied colour that is c + (255 - a), exact and without overflow.</summary>
    internal static void CompositeOnWhite(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        var pixels = rgba.Length / 4;
        var i = 0;
        ref var source = ref MemoryMarshal.GetReference(rgba);
        ref var target = ref MemoryMarshal.GetReference(rgb);
        // Lanes 0..11: four pixels without alpha. The store writes 16 bytes, so the last 6 pixels are left to the loop below.
        var colours = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        var alphas = Vector128.Create((byte)3, 3, 3, 7, 7, 7, 11, 11, 11, 15, 15, 15, 255, 255, 255, 255);
        for (; i + 6 <= pixels; i += 4)
        {
            var four = Vector128.LoadUnsafe(ref source, (nuint)(4 * i));
            var colour = Vector128.Shuffle(four, colours) + ~Vector128.Shuffle(four, alphas);
            colour.StoreUnsafe(ref target, (nuint)(3 * i));
        }
        for (; i < pixels; i++) Composite(ref Unsafe.Add(ref source, 4 * i), ref Unsafe.Add(ref target, 3 * i));
    }

    /// <summary>
    /// Composites <paramref name="rows"/> rows that start at source row <paramref name="firstRow"/> into an image turned and
    /// mirrored by the EXIF <paramref name="origin"/>. Width and height are those of the source.
    /// </summary>
    internal static void CompositeOriented(
        ReadOnlySpan<byte> rgba, int firstRow, int rows, int width, int height, SKEncodedOrigin origin, Span<byte> rgb)
    {
        // Target pixel of source (x, y) is start + x * stepX + y * stepY.
        var (start, stepX, stepY) = origin switch
        {
            SKEncodedOrigin.TopRight => (width - 1L, -1L, (long)width),
            SKEncodedOrigin.BottomRight => ((long)width * height - 1, -1L, -(long)width),
            SKEncodedOrigin.BottomLeft => ((long)width * (height - 1), 1L, -(long)width),
            SKEncodedOrigin.LeftTop => (0L, (long)height, 1L),
            SKEncodedOrigin.RightTop => (height - 1L, (long)height, -1L),
            SKEncodedOrigin.RightBottom => ((long)height * width - 1, -(long)height, -1L),
            SKEncodedOrigin.LeftBottom => ((long)height * (width - 1), -(long)height, 1L),
            _ => (0L, 1L, (long)width),
        };
        if (stepX == 1)
        {
            for (var y = 0; y < rows; y++)
                CompositeOnWhite(rgba.Slice(4 * y * width, 4 * width), rgb[(int)(3 * (start + (firstRow + y) * stepY))..]);
            return;
        }
        ref var source = ref MemoryMarshal.GetReference(rgba);
        ref var target = ref MemoryMarshal.GetReference(rgb);
        // Columns outside: a quarter turn then writes along target rows, and reads only the few source rows of this strip.
        for (var x = 0; x < width; x++)
            for (var y = 0; y < rows; y++)
                Composite(ref Unsafe.Add(ref source, 4 * ((nint)y * width + x)),
                    ref Unsafe.Add(ref target, (nint)(3 * (start + x * stepX + (firstRow + y) * stepY))));
    }

    /// <summary>Widens RGB to opaque RGBA.</summary>
    internal static void Widen(ReadOnlySpan<byte> rgb, Span<byte> rgba)
    {
        for (int i = 0, o = 0; i + 2 < rgb.Length; i += 3, o += 4)
        {
            rgba[o] = rgb[i];
            rgba[o + 1] = rgb[i + 1];
            rgba[o + 2] = rgb[i + 2];
            rgba[o + 3] = 255;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Composite(ref byte rgba, ref byte rgb)
    {
        var white = 255 - Unsafe.Add(ref rgba, 3);
        rgb = (byte)(rgba + white);
        Unsafe.Add(ref rgb, 1) = (byte)(Unsafe.Add(ref rgba, 1) + white);
        Unsafe.Add(ref rgb, 2) = (byte)(Unsafe.Add(ref rgba, 2) + white);
    }
}
