using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What the anchors of YOLOv2 should say, as darknet's region layer has it: boxes [N][M][4], classes [N][M] and the network's boxes
/// x1 y1 x2 y2 [N][R][4] to
/// <list type="number">
/// <item>[N][R][1], 1 at anchors of an object,</item>
/// <item>[N][R][1], 1 at anchors of the ground: of no object, and overlapping none by more than 0.6,</item>
/// <item>[N][R][1], the IoU of the object and the network's box, or 0,</item>
/// <item>[N][R][4], the object's box as the network codes it, x y behind the sigmoid, or 0,</item>
/// <item>[N][R][1], 2 - the object's share of the image, which makes up for the small ones, or 0,</item>
/// <item>[N][R][C], 1 at the class.</item>
/// </list>
/// An object belongs to the cell that holds its centre, and there to the anchor of the most similar shape. Of several objects at one anchor
/// the last one counts; boxes without area belong nowhere.</summary>
/// <param name="Side">S.</param>
/// <param name="ImageSize">Pixels of a side.</param>
/// <param name="ClassCount">C.</param>
/// <param name="Anchors">Widths and heights in pixels.</param>
internal sealed record YoloV2TargetsOperation(int Side, int ImageSize, int ClassCount, EquatableList<(float Width, float Height)> Anchors) : HostOperation
{
    private const double IgnoreIou = 0.6;

    public override string Name => "yolo_v2_targets";

    public override int OutputCount => 6;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, predicted) = (inputs[0]!, inputs[2]!);
        var (images, rows) = (boxes[0], Side * Side * Anchors.Count);
        if (!predicted.Equals(boxes.With(images, rows, 4))) throw Bad($"predicted boxes are {predicted} for targets {boxes}");
        outputs[0] = outputs[1] = outputs[2] = outputs[4] = boxes.With(images, rows, 1);
        outputs[3] = predicted;
        outputs[5] = boxes.With(images, rows, ClassCount);
    }

    protected override void Compute(HostTensors tensors)
    {
        var labels = tensors.Input<int>(1);
        var predicted = tensors.Input<float>(2);
        var hasObject = tensors.Output<float>(0);
        var isGround = tensors.Output<float>(1);
        var overlaps = tensors.Output<float>(2);
        var codes = tensors.Output<float>(3);
        var weights = tensors.Output<float>(4);
        var classes = tensors.Output<float>(5);
        for (var output = 0; output < OutputCount; output++) tensors.Output<float>(output).Clear();
        var (places, rows) = ((int)tensors.InputShape(1)[1], Side * Side * Anchors.Count);
        for (var image = 0; image < tensors.InputShape(1)[0]; image++)
        {
            var owners = new int[rows];
            Array.Fill(owners, -1);
            var truths = Objects.Of(tensors, image);
            for (var m = 0; m < truths.Length / 4; m++)
                if (Row(truths.Slice(4 * m, 4)) is >= 0 and var row) owners[row] = m;
            for (var row = 0; row < rows; row++)
            {
                var at = image * rows + row;
                var box = predicted.Slice(4 * at, 4);
                if (owners[row] < 0)
                {
                    var mostOverlap = 0.0;
                    for (var m = 0; m < truths.Length; m += 4) mostOverlap = Math.Max(mostOverlap, BoxOverlap.Iou(box, truths.Slice(m, 4)));
                    isGround[at] = mostOverlap > IgnoreIou ? 0 : 1;
                    continue;
                }
                var truth = truths.Slice(4 * owners[row], 4);
                hasObject[at] = 1;
                overlaps[at] = BoxOverlap.Iou(box, truth);
                classes[at * ClassCount + labels[image * places + owners[row]]] = 1;
                Encode(truth, row, codes.Slice(4 * at, 4));
                weights[at] = (float)(2 - ((double)truth[2] - truth[0]) * ((double)truth[3] - truth[1]) / ((double)ImageSize * ImageSize));
            }
        }
    }

    /// <summary>Where an object belongs: cell times anchors + anchor; -1 for a box without area.</summary>
    internal int Row(ReadOnlySpan<float> box)
    {
        if (!(box[2] > box[0] && box[3] > box[1])) return -1;
        var cell = Cell(box[1], box[3]) * Side + Cell(box[0], box[2]);
        return cell * Anchors.Count + ShapeIou.Best((box[2] - box[0], box[3] - box[1]), Anchors.Span).Index;
    }

    /// <summary>A box as the network codes it at a row, x y behind the sigmoid.</summary>
    internal void Encode(ReadOnlySpan<float> box, int row, Span<float> code)
    {
        var (cell, anchor) = (row / Anchors.Count, Anchors[row % Anchors.Count]);
        code[0] = (float)(((double)box[0] + box[2]) / 2 / ImageSize * Side - cell % Side);
        code[1] = (float)(((double)box[1] + box[3]) / 2 / ImageSize * Side - cell / Side);
        code[2] = (float)Math.Log(((double)box[2] - box[0]) / anchor.Width);
        code[3] = (float)Math.Log(((double)box[3] - box[1]) / anchor.Height);
    }

    private int Cell(float from, float to) => (int)Math.Clamp(Math.Floor(((double)from + to) / 2 / ImageSize * Side), 0, Side - 1);
}
