using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What CenterNet is to say of boxes [B][M][4] with classes [B][M]: heat map [B][S][S][C]; row of each object's cell in the flat map
/// [B*M], -1 where there is none; its size [B*M][2] and offset from the cell's edge [B*M][2], in cells; the number of peaks, at least 1;
/// the number of objects.</summary>
internal sealed record CenterNetTargetsOperation(int ClassCount, KeyPointGrid Grid) : HostOperation
{
    public override string Name => "centernet_targets";

    public override int OutputCount => 6;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes) = (inputs[0]!, inputs[1]!);
        if (boxes.Rank != 3 || boxes[2] != 4 || !classes.Shape.SequenceEqual(boxes.Shape[..2])) throw Bad($"boxes {boxes} and classes {classes} do not fit");
        var places = boxes[0] * boxes[1];
        outputs[0] = boxes.With(boxes[0], Grid.Side, Grid.Side, ClassCount);
        outputs[1] = classes.With(places);
        outputs[2] = outputs[3] = boxes.With(places, 2);
        outputs[4] = outputs[5] = boxes.With();
    }

    protected override void Compute(HostTensors tensors)
    {
        var boxes = tensors.Input<float>(0);
        var classes = tensors.Input<int>(1);
        Span<float> heat = tensors.Output<float>(0), sizes = tensors.Output<float>(2), offsets = tensors.Output<float>(3);
        var cells = tensors.Output<int>(1);
        heat.Clear();
        cells.Fill(-1);
        sizes.Clear();
        offsets.Clear();
        var (places, map) = ((int)tensors.InputShape(1)[1], Grid.Side * Grid.Side);
        var (peaks, objects) = (0, 0);
        for (var i = 0; i < classes.Length; i++)
        {
            var box = boxes.Slice(4 * i, 4);
            if (classes[i] < 0 || !KeyPointGrid.IsObject(box)) continue;
            var (width, height, image) = ((double)box[2] - box[0], (double)box[3] - box[1], i / places);
            var (x, dx) = Grid.Locate(box[0] + width / 2);
            var (y, dy) = Grid.Locate(box[1] + height / 2);
            peaks += Grid.Splat(heat.Slice(image * map * ClassCount, map * ClassCount), ClassCount, classes[i], x, y, Grid.Radius(height, width));
            cells[i] = image * map + y * Grid.Side + x;
            (sizes[2 * i], sizes[2 * i + 1]) = ((float)(width / Grid.Stride), (float)(height / Grid.Stride));
            (offsets[2 * i], offsets[2 * i + 1]) = (dx, dy);
            objects++;
        }
        tensors.Output<float>(4)[0] = Math.Max(1, peaks);
        tensors.Output<float>(5)[0] = objects;
    }
}
