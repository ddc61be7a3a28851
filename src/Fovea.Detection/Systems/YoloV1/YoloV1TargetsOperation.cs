using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What the cells of YOLO v1 should say: boxes [N][M][4], classes [N][M] and the network's boxes [N][S*S*B][4] to
/// <list type="number">
/// <item>classes [N][S*S][C], 1 at the class,</item>
/// <item>[N][S*S][1], 1 where the cell has an object,</item>
/// <item>[N][S*S*B][1], 1 at the responsible box (<see cref="YoloV1Cells.Responsible"/>),</item>
/// <item>confidences [N][S*S*B][1]: of the responsible box, its IoU or 1; 0 elsewhere,</item>
/// <item>boxes [N][S*S*B][4] as the network codes them; 0 elsewhere.</item>
/// </list></summary>
/// <param name="Side">S.</param>
/// <param name="BoxCount">B.</param>
/// <param name="ClassCount">C.</param>
/// <param name="ImageSize">Pixels of a side.</param>
/// <param name="Rescores">Whether a confidence is the IoU that the box reaches (darknet's rescore), or 1.</param>
internal sealed record YoloV1TargetsOperation(int Side, int BoxCount, int ClassCount, int ImageSize, bool Rescores) : HostOperation
{
    public override string Name => "yolo_v1_targets";

    public override int OutputCount => 5;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, predicted) = (inputs[0]!, inputs[2]!);
        var (images, cells) = (boxes[0], Side * Side);
        if (!predicted.Equals(boxes.With(images, cells * BoxCount, 4))) throw Bad($"predicted boxes are {predicted} for targets {boxes}");
        outputs[0] = boxes.With(images, cells, ClassCount);
        outputs[1] = boxes.With(images, cells, 1);
        outputs[2] = outputs[3] = boxes.With(images, cells * BoxCount, 1);
        outputs[4] = predicted;
    }

    protected override void Compute(HostTensors tensors)
    {
        var boxes = tensors.Input<float>(0);
        var labels = tensors.Input<int>(1);
        var predicted = tensors.Input<float>(2);
        var classes = tensors.Output<float>(0);
        var hasObject = tensors.Output<float>(1);
        var responsible = tensors.Output<float>(2);
        var confidences = tensors.Output<float>(3);
        var wanted = tensors.Output<float>(4);
        classes.Clear();
        hasObject.Clear();
        responsible.Clear();
        confidences.Clear();
        wanted.Clear();
        var (cells, places) = (Side * Side, (int)tensors.InputShape(1)[1]);
        for (var image = 0; image < tensors.InputShape(1)[0]; image++)
        {
            var objects = YoloV1Cells.Objects(labels.Slice(image * places, places), boxes.Slice(4 * image * places, 4 * places), Side, ImageSize);
            for (var cell = 0; cell < cells; cell++)
            {
                if (objects[cell] < 0) continue;
                var (row, truth) = (image * cells + cell, image * places + objects[cell]);
                hasObject[row] = 1;
                classes[row * ClassCount + labels[truth]] = 1;
                var code = YoloV1Cells.Encode(boxes.Slice(4 * truth, 4), Side, ImageSize);
                var (box, iou) = YoloV1Cells.Responsible(predicted.Slice(4 * row * BoxCount, 4 * BoxCount), code, Side);
                var at = row * BoxCount + box;
                responsible[at] = 1;
                confidences[at] = Rescores ? (float)iou : 1;
                Span<float> numbers = [(float)code.X, (float)code.Y, (float)code.RootWidth, (float)code.RootHeight];
                numbers.CopyTo(wanted[(4 * at)..]);
            }
        }
    }
}
