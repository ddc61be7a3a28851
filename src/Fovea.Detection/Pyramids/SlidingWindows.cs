namespace Fovea.Detection.Pyramids;

/// <summary>A square window moved over every level of an image pyramid. A convolutional network of that receptive field and stride, without
/// padding, computes all windows of a level at once: its output cell (row, column) is the window at that place.</summary>
public static class SlidingWindows
{
    /// <summary>Windows that lie inside the image scaled by <paramref name="scale"/>, per row and per column; 0 where it is too
    /// small.</summary>
    public static (int Columns, int Rows) Count(int width, int height, int window, int stride, double scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        return (Along(width), Along(height));

        int Along(int size)
        {
            var room = ImagePyramid.ScaledSize(size, scale) - window;
            return room < 0 ? 0 : room / stride + 1;
        }
    }

    /// <summary>The windows as boxes x1, y1, x2, y2 in pixels of the image: level by level, row by row. A window at place k of a level covers
    /// [k*stride/scale, (k*stride + window)/scale).</summary>
    public static float[] Boxes(int width, int height, int window, int stride, ReadOnlySpan<double> scales)
    {
        var boxes = new List<float>();
        foreach (var scale in scales)
        {
            var (columns, rows) = Count(width, height, window, stride, scale);
            for (var row = 0; row < rows; row++)
            {
                for (var column = 0; column < columns; column++)
                {
                    boxes.Add((float)(column * stride / scale));
                    boxes.Add((float)(row * stride / scale));
                    boxes.Add((float)((column * stride + window) / scale));
                    boxes.Add((float)((row * stride + window) / scale));
                }
            }
        }
        return [.. boxes];
    }
}
