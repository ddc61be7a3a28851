namespace Fovea.Detection.Pyramids;

/// <summary>Boxes x1, y1, x2, y2 at every cell of a feature map, from which detectors measure. They are constants of a model: made once on
/// the host.</summary>
public static class AnchorBoxes
{
    /// <summary>Anchors around one cell as py-faster-rcnn makes them: around the middle of a box of <paramref name="baseSize"/> pixels, with
    /// sides that are rounded and count both end pixels. Ratios (height by width) outside, scales inside.</summary>
    public static float[] Original(int baseSize, ReadOnlySpan<float> ratios, ReadOnlySpan<float> scales)
    {
        var boxes = new List<float>();
        var centre = (baseSize - 1) / 2.0;
        foreach (var ratio in ratios)
        {
            // NumPy rounds halves to even, as .NET does.
            var width = Math.Round(Math.Sqrt((double)baseSize * baseSize / ratio));
            var height = Math.Round(width * ratio);
            foreach (var scale in scales) Add(boxes, centre, centre, (width * scale - 1) / 2, (height * scale - 1) / 2);
        }
        return [.. boxes];
    }

    /// <summary>Anchors around (0, 0) as torchvision makes them: areas size^2, height by width the ratio, half sides rounded to even. Ratios
    /// outside, sizes inside.</summary>
    public static float[] Centred(ReadOnlySpan<float> sizes, ReadOnlySpan<float> ratios)
    {
        var boxes = new List<float>();
        foreach (var ratio in ratios)
        {
            var root = MathF.Sqrt(ratio);
            foreach (var size in sizes)
            {
                var (x, y) = (MathF.Round(size / root / 2), MathF.Round(size * root / 2));
                boxes.AddRange([-x, -y, x, y]);
            }
        }
        return [.. boxes];
    }

    /// <summary>The cell's anchors moved to every cell: row by row, in a row cell by cell, in a cell as they come.</summary>
    /// <param name="cell">Anchors around the first cell, four numbers each.</param>
    /// <param name="height">Rows of the feature map.</param>
    /// <param name="width">Columns of the feature map.</param>
    /// <param name="strideY">Pixels from row to row; torchvision takes image height / rows, rounded down.</param>
    /// <param name="strideX">Pixels from column to column.</param>
    public static float[] Grid(ReadOnlySpan<float> cell, int height, int width, float strideY, float strideX)
    {
        if (cell.Length % 4 != 0) throw new ArgumentException($"{cell.Length} numbers are no boxes", nameof(cell));
        var boxes = new float[checked(height * width * cell.Length)];
        for (var i = 0; i < boxes.Length; i++)
        {
            var at = i / cell.Length;
            boxes[i] = cell[i % cell.Length] + (i % 2 == 0 ? at % width * strideX : at / width * strideY);
        }
        return boxes;
    }

    /// <summary>Default boxes of one feature map of SSD (Liu et al., 2016) as shares of the image, not clipped: around the middle of each cell
    /// a square of <paramref name="scale"/>, one of sqrt(scale * nextScale), and per ratio an upright and a lying box.</summary>
    public static float[] Ssd(int height, int width, double scale, double nextScale, ReadOnlySpan<float> ratios)
    {
        var cell = new List<float>();
        Add(cell, 0.5 / width, 0.5 / height, scale / 2, scale / 2);
        var between = Math.Sqrt(scale * nextScale);
        Add(cell, 0.5 / width, 0.5 / height, between / 2, between / 2);
        foreach (var ratio in ratios)
        {
            var root = Math.Sqrt(ratio);
            Add(cell, 0.5 / width, 0.5 / height, scale * root / 2, scale / root / 2);
            Add(cell, 0.5 / width, 0.5 / height, scale / root / 2, scale * root / 2);
        }
        return Grid([.. cell], height, width, 1f / height, 1f / width);
    }

    /// <summary>Points x, y of every cell, row by row: offset + index * stride. FCOS's paper has floor(stride/2) as offset, torchvision 0.</summary>
    public static float[] Points(int height, int width, int stride, int offset)
    {
        var points = new float[checked(2 * height * width)];
        for (var i = 0; i < height * width; i++) (points[2 * i], points[2 * i + 1]) = (offset + i % width * stride, offset + i / width * stride);
        return points;
    }

    private static void Add(List<float> boxes, double x, double y, double halfWidth, double halfHeight) =>
        boxes.AddRange([(float)(x - halfWidth), (float)(y - halfHeight), (float)(x + halfWidth), (float)(y + halfHeight)]);
}
