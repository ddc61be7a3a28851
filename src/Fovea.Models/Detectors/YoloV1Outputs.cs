using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>What a YOLO v1 network says about N images, cells row by row, for B boxes and C classes per cell.</summary>
/// <param name="Classes">[N][S*S][C], the probabilities of the classes if there is an object.</param>
/// <param name="Confidences">[N][S*S*B][1], Pr(object) * IoU.</param>
/// <param name="Boxes">[N][S*S*B][4]: x y of the centre from the cell's corner in cells, then the square roots of width and height in
/// images.</param>
public readonly record struct YoloV1Outputs(Value Classes, Value Confidences, Value Boxes)
{
    /// <summary>Takes raw outputs apart.</summary>
    /// <param name="raw">S*S*(5*B + C) numbers per image, the images in the first dimension.</param>
    /// <param name="layout">How they lie.</param>
    /// <param name="side">S.</param>
    /// <param name="boxes">B.</param>
    /// <param name="classes">C.</param>
    /// <exception cref="ArgumentException">There are more or fewer numbers.</exception>
    public static YoloV1Outputs Split(Value raw, YoloV1Layout layout, int side, int boxes, int classes)
    {
        long images = raw.Shape[0], cells = side * side;
        if (raw.Spec.ElementCount != images * cells * (5 * boxes + classes))
            throw new ArgumentException($"{raw.Spec} is not {side}x{side} cells of {boxes} boxes and {classes} classes", nameof(raw));
        if (layout == YoloV1Layout.Vector)
        {
            var vector = raw.Reshape(images, -1);
            return new YoloV1Outputs(
                Part(vector, 0, cells * classes).Reshape(images, cells, classes),
                Part(vector, cells * classes, cells * boxes).Reshape(images, cells * boxes, 1),
                Part(vector, cells * (classes + boxes), cells * boxes * 4).Reshape(images, cells * boxes, 4));
        }
        var perCell = raw.Reshape(images, cells, -1);
        var perBox = Part(perCell, 0, 5 * boxes).Reshape(images, cells * boxes, 5);
        return new YoloV1Outputs(Part(perCell, 5 * boxes, classes), Part(perBox, 4, 1), Part(perBox, 0, 4));
    }

    // A copy: what follows gives it another shape.
    private static Value Part(Value x, long start, long count) => x.Columns(start, count).Concat();
}
