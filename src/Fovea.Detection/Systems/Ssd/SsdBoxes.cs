using Fovea.Detection.Pyramids;

namespace Fovea.Detection.Systems;

/// <summary>The default boxes of an SSD: per level the side of its squares and the ratios of its other boxes.</summary>
/// <param name="Sides">Of the squares, as shares of the image; one more than there are levels.</param>
/// <param name="Ratios">Per level; 2 stands for boxes twice as wide as high and twice as high as wide.</param>
public sealed record SsdBoxes(IReadOnlyList<float> Sides, IReadOnlyList<IReadOnlyList<float>> Ratios)
{
    /// <summary>Those of SSD300: 4 or 6 boxes in each cell of six levels.</summary>
    public static SsdBoxes Of300 { get; } = new([0.1f, 0.2f, 0.375f, 0.55f, 0.725f, 0.9f, 1.075f], [[2], [2, 3], [2, 3], [2, 3], [2], [2]]);

    /// <summary>Boxes of a cell, per level: two squares and two per ratio.</summary>
    public IReadOnlyList<int> PerCell { get; } = [.. Ratios.Select(r => 2 + 2 * r.Count)];

    /// <summary>All boxes x1 y1 x2 y2 in pixels, level by level, row by row, cell by cell.</summary>
    /// <param name="imageSize">Pixels of a side.</param>
    /// <param name="cells">Cells of a side, per level.</param>
    public float[] Over(int imageSize, IReadOnlyList<int> cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        if (cells.Count != Ratios.Count || Sides.Count != Ratios.Count + 1)
            throw new ArgumentException($"{cells.Count} levels and {Sides.Count} sides for {Ratios.Count} lists of ratios", nameof(cells));
        var boxes = new List<float>();
        for (var level = 0; level < cells.Count; level++)
            boxes.AddRange(AnchorBoxes.Ssd(cells[level], cells[level], Sides[level], Sides[level + 1], [.. Ratios[level]]));
        return [.. boxes.Select(x => x * imageSize)];
    }
}
