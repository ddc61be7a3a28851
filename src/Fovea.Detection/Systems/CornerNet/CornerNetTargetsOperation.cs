using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>What CornerNet is to say of boxes [B][M][4] with classes [B][M]: the <see cref="CornerTargets"/> of top-left, then of bottom-right
/// corners; weights of objects in the pull loss [B*M][1], of pairs in the push loss [B][M][M]; the number of objects.</summary>
internal sealed record CornerNetTargetsOperation(int ClassCount, KeyPointGrid Grid) : HostOperation
{
    private const int Pull = 2 * CornerTargets.Count, Push = Pull + 1, Objects = Push + 1;

    public override string Name => "cornernet_targets";

    public override int OutputCount => Objects + 1;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (boxes, classes) = (inputs[0]!, inputs[1]!);
        if (boxes.Rank != 3 || boxes[2] != 4 || !classes.Shape.SequenceEqual(boxes.Shape[..2])) throw Bad($"boxes {boxes} and classes {classes} do not fit");
        var (images, places) = (boxes[0], boxes[1]);
        for (var corner = 0; corner < 2; corner++)
        {
            var its = outputs.Slice(corner * CornerTargets.Count, CornerTargets.Count);
            its[0] = boxes.With(images, Grid.Side, Grid.Side, ClassCount);
            its[1] = classes.With(images * places);
            its[2] = boxes.With(images * places, 2);
            its[3] = boxes.With();
        }
        outputs[Pull] = boxes.With(images * places, 1);
        outputs[Push] = boxes.With(images, places, places);
        outputs[Objects] = boxes.With();
    }

    protected override void Compute(HostTensors tensors)
    {
        var boxes = tensors.Input<float>(0);
        var classes = tensors.Input<int>(1);
        FillCorner(tensors, 0, boxes, classes);
        FillCorner(tensors, 1, boxes, classes);
        var (images, places) = ((int)tensors.InputShape(1)[0], (int)tensors.InputShape(1)[1]);
        Span<float> pull = tensors.Output<float>(Pull), push = tensors.Output<float>(Push);
        pull.Clear();
        push.Clear();
        var objects = 0;
        for (var image = 0; image < images; image++)
        {
            var present = new List<int>();
            for (var place = 0; place < places; place++)
                if (IsPresent(boxes, classes, image * places + place)) present.Add(place);
            foreach (var j in present)
            {
                pull[image * places + j] = (float)(1 / (present.Count + 1e-4));
                foreach (var k in present)
                    if (k != j) push[(image * places + j) * places + k] = (float)(1.0 / (present.Count * (present.Count - 1.0)));
            }
            objects += present.Count;
        }
        tensors.Output<float>(Objects)[0] = objects;
    }

    // Corner 0 is the top left one, which is the first two numbers of a box, corner 1 the bottom right one.
    private void FillCorner(HostTensors tensors, int corner, ReadOnlySpan<float> boxes, ReadOnlySpan<int> classes)
    {
        var first = corner * CornerTargets.Count;
        Span<float> heat = tensors.Output<float>(first), offsets = tensors.Output<float>(first + 2);
        var cells = tensors.Output<int>(first + 1);
        heat.Clear();
        cells.Fill(-1);
        offsets.Clear();
        var (places, map, peaks) = ((int)tensors.InputShape(1)[1], Grid.Side * Grid.Side, 0);
        for (var i = 0; i < classes.Length; i++)
        {
            if (!IsPresent(boxes, classes, i)) continue;
            var box = boxes.Slice(4 * i, 4);
            var (x, dx) = Grid.Locate(box[2 * corner]);
            var (y, dy) = Grid.Locate(box[2 * corner + 1]);
            var (image, radius) = (i / places, Grid.Radius((double)box[3] - box[1], (double)box[2] - box[0]));
            peaks += Grid.Splat(heat.Slice(image * map * ClassCount, map * ClassCount), ClassCount, classes[i], x, y, radius);
            cells[i] = image * map + y * Grid.Side + x;
            (offsets[2 * i], offsets[2 * i + 1]) = (dx, dy);
        }
        tensors.Output<float>(first + 3)[0] = Math.Max(1, peaks);
    }

    private static bool IsPresent(ReadOnlySpan<float> boxes, ReadOnlySpan<int> classes, int i) =>
        classes[i] >= 0 && KeyPointGrid.IsObject(boxes.Slice(4 * i, 4));
}
