namespace Fovea.Detection.Assignment;

/// <summary>Decides which cells of a dense head answer for which boxes. Everything is in pixels.</summary>
public abstract record CellAssigner
{
    /// <summary>Names a box for every cell.</summary>
    /// <param name="cells">[N][3]: x and y of the cell's point, and its stride. Cells of a level lie together.</param>
    /// <param name="boxes">[M][4]: x1 y1 x2 y2. A box with a NaN gets no cell.</param>
    /// <param name="assigned">[N]: the index of the box, or -1 for the ground.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public void Assign(ReadOnlySpan<float> cells, ReadOnlySpan<float> boxes, Span<int> assigned)
    {
        if (cells.Length != 3 * assigned.Length) throw new ArgumentException($"{cells.Length} numbers are not {assigned.Length} cells", nameof(cells));
        if (boxes.Length % 4 != 0) throw new ArgumentException($"{boxes.Length} numbers are no boxes", nameof(boxes));
        assigned.Fill(-1);
        AssignCells(cells, boxes, assigned);
    }

    /// <summary>As <see cref="Assign"/>, after the checks; every cell is -1 yet.</summary>
    protected abstract void AssignCells(ReadOnlySpan<float> cells, ReadOnlySpan<float> boxes, Span<int> assigned);

    /// <summary>From a cell's point to the sides of a box; all are positive where the point lies inside.</summary>
    internal static (float Left, float Top, float Right, float Bottom) Distances(ReadOnlySpan<float> cell, ReadOnlySpan<float> box) =>
        (cell[0] - box[0], cell[1] - box[1], box[2] - cell[0], box[3] - cell[1]);
}
