using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Which cell answers for which box in FCOS: boxes [B][M][4], classes [B][M] to classes [B][N][C] (1 at the class), distances in
/// strides [B][N][4], centerness [B][N][1] (0 at cells of the ground) and the number of positive cells [1], at least 1.
/// <para>A cell is positive for a box that holds its point, within 1.5 strides of the box's centre, whose largest distance lies in the level's
/// range (lower, upper]; of several boxes the smallest, then the first. The ranges are half open: torchvision's exclude both ends, so that an
/// exact power of two belongs to no level there.</para></summary>
/// <param name="ClassCount">C.</param>
/// <param name="ImageSize">Pixels of a side.</param>
/// <param name="Strides">Of the levels.</param>
/// <param name="CentreRadius">In strides; infinity for the whole box.</param>
internal sealed record FcosTargetsOperation(int ClassCount, int ImageSize, EquatableList<int> Strides, float CentreRadius) : HostOperation
{
    private const float RangeInStrides = 8; // the level of stride s takes distances from 4s to 8s

    public override string Name => "fcos_targets";

    public override int OutputCount => 4;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, batch) = (inputs[0]!, inputs[0]![0]);
        var cells = FcosCells.Count(ImageSize, Strides);
        outputs[0] = boxes.With(batch, cells, ClassCount);
        outputs[1] = boxes.With(batch, cells, 4);
        outputs[2] = boxes.With(batch, cells, 1);
        outputs[3] = boxes.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var boxes = tensors.Input<float>(0);
        var labels = tensors.Input<int>(1);
        var classes = tensors.Output<float>(0);
        var distances = tensors.Output<float>(1);
        var centerness = tensors.Output<float>(2);
        classes.Clear();
        centerness.Clear();
        var cells = FcosCells.Count(ImageSize, Strides);
        var places = (int)tensors.InputShape(1)[1];
        var points = FcosCells.Points(ImageSize, Strides);
        var positives = 0;
        for (var image = 0; image < tensors.InputShape(1)[0]; image++)
        {
            for (var cell = 0; cell < cells; cell++)
            {
                var row = image * cells + cell;
                var (x, y, stride) = (points[3 * cell], points[3 * cell + 1], points[3 * cell + 2]);
                var (best, bestArea) = (-1, double.PositiveInfinity);
                for (var place = 0; place < places && labels[image * places + place] >= 0; place++)
                {
                    var box = boxes.Slice(4 * (image * places + place), 4);
                    var area = (double)(box[2] - box[0]) * (box[3] - box[1]);
                    if (area < bestArea && IsPositive(x, y, stride, box)) (best, bestArea) = (place, area);
                }
                // The ground's distances are those of a box of two strides: they make a finite loss, which counts with weight 0.
                if (best < 0)
                {
                    distances.Slice(4 * row, 4).Fill(1);
                    continue;
                }
                positives++;
                classes[ClassCount * row + labels[image * places + best]] = 1;
                var (l, t, r, b) = Distances(x, y, boxes.Slice(4 * (image * places + best), 4));
                Span<float> sides = [l / stride, t / stride, r / stride, b / stride];
                sides.CopyTo(distances[(4 * row)..]);
                centerness[row] = Centerness(l, t, r, b);
            }
        }
        tensors.Output<float>(3)[0] = Math.Max(1, positives);
    }

    /// <summary>sqrt(min(l, r)/max(l, r) * min(t, b)/max(t, b)): 1 in the middle of the box, 0 at its edges.</summary>
    internal static float Centerness(float l, float t, float r, float b) =>
        MathF.Sqrt(MathF.Min(l, r) / MathF.Max(l, r) * (MathF.Min(t, b) / MathF.Max(t, b)));

    private static (float L, float T, float R, float B) Distances(float x, float y, ReadOnlySpan<float> box) =>
        (x - box[0], y - box[1], box[2] - x, box[3] - y);

    private bool IsPositive(float x, float y, float stride, ReadOnlySpan<float> box)
    {
        var (l, t, r, b) = Distances(x, y, box);
        if (!(Math.Min(Math.Min(l, t), Math.Min(r, b)) > 0)) return false;
        var far = Math.Max(Math.Abs(r - l), Math.Abs(b - t)) / 2; // of the point from the centre, by the farther axis
        if (!(far < CentreRadius * stride)) return false;
        var largest = Math.Max(Math.Max(l, t), Math.Max(r, b));
        var lower = stride == Strides[0] ? 0 : RangeInStrides / 2 * stride;
        var upper = stride == Strides[^1] ? float.PositiveInfinity : RangeInStrides * stride;
        return largest > lower && largest <= upper;
    }
}
