namespace Fovea.Data.Tests;

/// <summary>JPEG files SkiaSharp does not write: CMYK, and any file with an EXIF orientation.</summary>
internal static class HandmadeJpeg
{
    /// <summary>
    /// One 8x8 block of one colour in four components, Adobe style: samples are stored inverted. Each block is only its DC
    /// coefficient; quantised by 8 that is sample - 128.
    /// </summary>
    internal static byte[] Cmyk(byte c, byte m, byte y, byte k)
    {
        var file = new List<byte> { 0xFF, 0xD8 };
        // APP14 "Adobe": version 100, no flags, transform 0 = CMYK as it is.
        file.AddRange([0xFF, 0xEE, 0, 14, (byte)'A', (byte)'d', (byte)'o', (byte)'b', (byte)'e', 0, 100, 0, 0, 0, 0, 0]);
        file.AddRange([0xFF, 0xDB, 0, 67, 0]);
        file.AddRange(Enumerable.Repeat((byte)8, 64));
        file.AddRange([0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0]);
        // DC: nine 4-bit codes for bit lengths 0..8. AC: the 1-bit code 0 for "end of block".
        file.AddRange([0xFF, 0xC4, 0, 28, 0x00, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        file.AddRange([0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.AddRange([0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
        var bits = "";
        foreach (var ink in (int[])[c, m, y, k])
        {
            var dc = 255 - ink - 128;
            var length = dc == 0 ? 0 : (int)Math.Log2(Math.Abs(dc)) + 1;
            bits += Convert.ToString(length, 2).PadLeft(4, '0');
            if (length > 0) bits += Convert.ToString(dc > 0 ? dc : dc + (1 << length) - 1, 2).PadLeft(length, '0');
            bits += "0";
        }
        bits = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        for (var i = 0; i < bits.Length; i += 8)
        {
            file.Add(Convert.ToByte(bits.Substring(i, 8), 2));
            if (file[^1] == 0xFF) file.Add(0);
        }
        file.AddRange([0xFF, 0xD9]);
        return [.. file];
    }

    /// <summary>Inserts an APP1 segment with nothing but the orientation 1..8.</summary>
    internal static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] exif =
        [
            (byte)'E', (byte)'x', (byte)'i', (byte)'f', 0, 0, (byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8,
            0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0,
        ];
        return [0xFF, 0xD8, 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }
}
