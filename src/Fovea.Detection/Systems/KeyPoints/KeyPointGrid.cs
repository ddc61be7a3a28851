using Fovea.Detection.Assignment;

namespace Fovea.Detection.Systems;

/// <summary>The heat map of a square image, and where key points lie on it.</summary>
/// <param name="Side">Cells of a side.</param>
/// <param name="Stride">Pixels of a cell.</param>
/// <param name="Rule">Of the radius of Gaussians.</param>
/// <param name="MinOverlap">Of the radius of Gaussians.</param>
internal readonly record struct KeyPointGrid(int Side, int Stride, RadiusRule Rule, double MinOverlap = 0.7)
{
    /// <summary>The cell that holds a coordinate, and how far behind the cell's edge it lies, in cells: in [0, 1) but at the image's last
    /// edge, which belongs to the last cell.</summary>
    public (int Cell, float Offset) Locate(double pixels)
    {
        var place = pixels / Stride;
        var cell = (int)Math.Clamp(Math.Floor(place), 0, Side - 1);
        return (cell, (float)(place - cell));
    }

    /// <summary>Whole cells around the key points of a box, given in pixels.</summary>
    public int Radius(double height, double width) =>
        (int)Math.Min(Side, GaussianHeatMap.Radius(Math.Ceiling(height / Stride), Math.Ceiling(width / Stride), MinOverlap, Rule));

    /// <summary>Puts a Gaussian around a cell of one image's map; 1 if its centre was no peak before, else 0.</summary>
    public int Splat(Span<float> heat, int classes, int label, int x, int y, int radius)
    {
        var isNew = heat[(y * Side + x) * classes + label] != 1;
        GaussianHeatMap.Splat(heat, Side, Side, classes, label, x, y, radius);
        return isNew ? 1 : 0;
    }

    /// <summary>Whether a box has any extent; others, NaN among them, are not looked for.</summary>
    public static bool IsObject(ReadOnlySpan<float> box) => box[2] > box[0] && box[3] > box[1];
}
