using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What the cells of YOLOX should say (<see cref="SimOta"/>): boxes [B][M][4], classes [B][M], the network's class logits [B][N][C],
/// objectness logits [B][N][1] and boxes x1 y1 x2 y2 [B][N][4], and the cells [N][3] to
/// <list type="number">
/// <item>[B][N][1], 1 at cells of an object,</item>
/// <item>classes [B][N][C], the box's IoU at the class of the object,</item>
/// <item>boxes [B][N][4], x1 y1 x2 y2,</item>
/// <item>the same as the network codes them,</item>
/// <item>[1], the number of cells of objects, at least 1.</item>
/// </list>
/// Cells of the ground have the box of their cell, which costs something finite that counts with weight 0.</summary>
internal sealed record YoloxTargetsOperation : HostOperation
{
    public override string Name => "yolox_targets";

    public override int OutputCount => 5;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes, predicted, cells) = (inputs[0]!, inputs[2]!, inputs[4]!, inputs[5]!);
        if (classes.Rank != 3 || !predicted.Equals(boxes.With(boxes[0], cells[0], 4)) || classes[0] != boxes[0] || classes[1] != cells[0])
            throw Bad($"class logits {classes} and boxes {predicted} for targets {boxes} and cells {cells}");
        outputs[0] = boxes.With(boxes[0], cells[0], 1);
        outputs[1] = classes;
        outputs[2] = outputs[3] = predicted;
        outputs[4] = boxes.With(1);
    }

    protected override void Compute(HostTensors tensors)
    {
        var labels = tensors.Input<int>(1);
        var classes = tensors.Input<float>(2);
        var objectness = tensors.Input<float>(3);
        var predicted = tensors.Input<float>(4);
        var cells = tensors.Input<float>(5);
        var isPositive = tensors.Output<float>(0);
        var wantedClasses = tensors.Output<float>(1);
        var wantedBoxes = tensors.Output<float>(2);
        var codes = tensors.Output<float>(3);
        isPositive.Clear();
        wantedClasses.Clear();
        var (places, count, classCount) = ((int)tensors.InputShape(1)[1], cells.Length / 3, (int)tensors.InputShape(2)[2]);
        var (matched, overlaps, positives) = (new int[count], new float[count], 0);
        for (var image = 0; image < tensors.InputShape(1)[0]; image++)
        {
            var boxes = Objects.Of(tensors, image);
            var mine = labels.Slice(image * places, boxes.Length / 4);
            SimOta.Assign(classes.Slice(image * count * classCount, count * classCount), objectness.Slice(image * count, count),
                predicted.Slice(4 * image * count, 4 * count), cells, boxes, mine, matched, overlaps);
            for (var cell = 0; cell < count; cell++)
            {
                var row = image * count + cell;
                var place = cells.Slice(3 * cell, 3);
                var stride = place[2];
                ReadOnlySpan<float> box = [place[0] * stride, place[1] * stride, (place[0] + 1) * stride, (place[1] + 1) * stride];
                if (matched[cell] is >= 0 and var m)
                {
                    positives++;
                    isPositive[row] = 1;
                    wantedClasses[row * classCount + mine[m]] = overlaps[cell];
                    box = boxes.Slice(4 * m, 4);
                }
                box.CopyTo(wantedBoxes[(4 * row)..]);
                Encode(box, place, codes.Slice(4 * row, 4));
            }
        }
        tensors.Output<float>(4)[0] = Math.Max(1, positives);
    }

    /// <summary>A box as the network codes it at a cell: centre from the cell's corner in strides, logarithms of the sides in strides.</summary>
    internal static void Encode(ReadOnlySpan<float> box, ReadOnlySpan<float> cell, Span<float> code)
    {
        for (var axis = 0; axis < 2; axis++)
        {
            code[axis] = (box[axis] + box[axis + 2]) / 2 / cell[2] - cell[axis];
            code[axis + 2] = MathF.Log((box[axis + 2] - box[axis]) / cell[2] + 1e-8f); // a box without width has no logarithm
        }
    }
}
