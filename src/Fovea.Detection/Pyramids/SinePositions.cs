namespace Fovea.Detection.Pyramids;

/// <summary>Where a cell lies in an image, as sines and cosines: the normalised form of DETR (Carion et al., 2020).</summary>
public static class SinePositions
{
    private const double Temperature = 10_000, Epsilon = 1e-6;

    /// <summary>[height][width][channels]: the first half of the channels tells the row, the second the column. In each half, sine and cosine
    /// of angle / 10000^(2i/half) alternate; the angle goes from just above 0 to 2 pi at the last valid cell.</summary>
    /// <param name="height">Rows of the feature map.</param>
    /// <param name="width">Columns of the feature map.</param>
    /// <param name="channels">A multiple of four.</param>
    /// <param name="validHeight">Rows that show the image and no padding; 0: all.</param>
    /// <param name="validWidth">Columns that show the image; 0: all.</param>
    public static float[] Grid(int height, int width, int channels, int validHeight = 0, int validWidth = 0)
    {
        if (channels < 4 || channels % 4 != 0) throw new ArgumentException($"{channels} channels are not pairs for two axes", nameof(channels));
        var (rows, columns) = (validHeight == 0 ? height : validHeight, validWidth == 0 ? width : validWidth);
        var (half, values) = (channels / 2, new float[checked(height * width * channels)]);
        for (var i = 0; i < values.Length; i++)
        {
            var (at, channel) = (i / channels, i % channels);
            var (row, column) = (at / width, at % width);
            // DETR adds up the valid cells on the way to this one: beyond them the sum stays, and a line without any has none.
            var angle = channel < half
                ? column < columns ? Angle(row, rows) : 0
                : row < rows ? Angle(column, columns) : 0;
            var (sine, cosine) = Math.SinCos(angle / Math.Pow(Temperature, channel % half / 2 * 2.0 / half));
            values[i] = (float)(channel % 2 == 0 ? sine : cosine);
        }
        return values;
    }

    private static double Angle(int index, int valid) => Math.Min(index + 1, valid) / (valid + Epsilon) * 2 * Math.PI;
}
