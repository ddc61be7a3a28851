namespace Fovea.Data;

/// <summary>Size of an image as shown, that is after its EXIF orientation is applied.</summary>
/// <param name="Width">Columns, in pixels.</param>
/// <param name="Height">Rows, in pixels.</param>
public readonly record struct ImageSize(int Width, int Height)
{
    /// <summary>Bytes of the image as interleaved 8-bit RGB.</summary>
    public long RgbBytes => 3L * Width * Height;
}
