using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What every cell of a dense head should say: boxes [B][M][4], classes [B][M] and cells [N][3] (x, y, stride) to classes [B][N][C]
/// (1 at the class of a positive cell), distances in strides [B][N][4], centerness [B][N][1] (0 at cells of the ground) and the number of
/// positive cells [1], at least 1.</summary>
/// <param name="ClassCount">C.</param>
/// <param name="Assigner">Which cell answers for which box.</param>
internal sealed record CellTargetsOperation(int ClassCount, CellAssigner Assigner) : HostOperation
{
    public override string Name => "cell_targets";

    public override int OutputCount => 4;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes, cells) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (boxes.Rank != 3 || boxes[2] != 4 || !classes.Shape.SequenceEqual(boxes.Shape[..2])) throw Bad($"classes {classes} do not fit boxes {boxes}");
        if (cells.Rank != 2 || cells[1] != 3) throw Bad($"cells must be [N][3], they are {cells}");
        outputs[0] = boxes.With(boxes[0], cells[0], ClassCount);
        outputs[1] = boxes.With(boxes[0], cells[0], 4);
        outputs[2] = boxes.With(boxes[0], cells[0], 1);
        outputs[3] = boxes.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var labels = tensors.Input<int>(1);
        var cells = tensors.Input<float>(2);
        var classes = tensors.Output<float>(0);
        var distances = tensors.Output<float>(1);
        var centerness = tensors.Output<float>(2);
        classes.Clear();
        centerness.Clear();
        // The ground's distances are those of a box of two strides: they make a finite loss, which counts with weight 0.
        distances.Fill(1);
        var places = (int)tensors.InputShape(1)[1];
        var assigned = new int[cells.Length / 3];
        var positives = 0;
        for (var image = 0; image < tensors.InputShape(1)[0]; image++)
        {
            var boxes = Objects.Of(tensors, image);
            Assigner.Assign(cells, boxes, assigned);
            for (var cell = 0; cell < assigned.Length; cell++)
            {
                var place = assigned[cell];
                if (place < 0) continue;
                positives++;
                var row = image * assigned.Length + cell;
                classes.Slice(ClassCount * row, ClassCount)[labels[image * places + place]] = 1;
                var (l, t, r, b) = CellAssigner.Distances(cells.Slice(3 * cell, 3), boxes.Slice(4 * place, 4));
                var stride = cells[3 * cell + 2];
                ReadOnlySpan<float> sides = [l / stride, t / stride, r / stride, b / stride];
                sides.CopyTo(distances[(4 * row)..]);
                centerness[row] = FcosAssigner.Centerness(l, t, r, b);
            }
        }
        tensors.Output<float>(3)[0] = Math.Max(1, positives);
    }
}
