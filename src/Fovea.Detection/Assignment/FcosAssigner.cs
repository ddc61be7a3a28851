namespace Fovea.Detection.Assignment;

/// <summary>The rule of FCOS (Tian, Shen, Chen, He, 2019): a cell answers for a box that holds its point, close to the box's centre, whose
/// farthest side lies in the range of the cell's level; of several boxes for the smallest, then for the first.</summary>
/// <remarks>A level of stride s takes distances from 4s to 8s, the finest from 0 and the coarsest without end: (0, 64], (64, 128], ... for
/// strides from 8 to 128. The ranges are half open, so that every distance belongs to one level; torchvision's exclude both ends, the paper's
/// code includes both. Areas are compared in double precision: torchvision's comparison takes areas for equal that differ by less than 8
/// pixels.</remarks>
public sealed record FcosAssigner : CellAssigner
{
    private const float RangeInStrides = 8;

    /// <summary>How far from the box's centre the point may lie in x and in y, in strides, exclusive; infinity for the whole box, as in the
    /// first paper.</summary>
    public float CentreRadius { get; init; } = 1.5f;

    /// <summary>sqrt(min(l, r)/max(l, r) * min(t, b)/max(t, b)): 1 in the middle of a box, 0 at its edges.</summary>
    public static float Centerness(float left, float top, float right, float bottom) =>
        MathF.Sqrt(MathF.Min(left, right) / MathF.Max(left, right) * (MathF.Min(top, bottom) / MathF.Max(top, bottom)));

    /// <inheritdoc/>
    protected override void AssignCells(ReadOnlySpan<float> cells, ReadOnlySpan<float> boxes, Span<int> assigned)
    {
        var (finest, coarsest) = (float.PositiveInfinity, 0f);
        for (var cell = 0; cell < assigned.Length; cell++)
        {
            finest = Math.Min(finest, cells[3 * cell + 2]);
            coarsest = Math.Max(coarsest, cells[3 * cell + 2]);
        }
        for (var cell = 0; cell < assigned.Length; cell++)
        {
            var place = cells.Slice(3 * cell, 3);
            var lower = place[2] == finest ? 0 : RangeInStrides / 2 * place[2];
            var upper = place[2] == coarsest ? float.PositiveInfinity : RangeInStrides * place[2];
            var smallest = double.PositiveInfinity;
            for (var i = 0; i < boxes.Length / 4; i++)
            {
                var box = boxes.Slice(4 * i, 4);
                var area = ((double)box[2] - box[0]) * ((double)box[3] - box[1]);
                if (!(area < smallest) || !IsPositive(place, box, lower, upper)) continue;
                (assigned[cell], smallest) = (i, area);
            }
        }
    }

    private bool IsPositive(ReadOnlySpan<float> cell, ReadOnlySpan<float> box, float lower, float upper)
    {
        var (l, t, r, b) = Distances(cell, box);
        if (!(Math.Min(Math.Min(l, t), Math.Min(r, b)) > 0)) return false;
        var fromCentre = Math.Max(Math.Abs(r - l), Math.Abs(b - t)) / 2;
        var farthest = Math.Max(Math.Max(l, t), Math.Max(r, b));
        return fromCentre < CentreRadius * cell[2] && farthest > lower && farthest <= upper;
    }
}
