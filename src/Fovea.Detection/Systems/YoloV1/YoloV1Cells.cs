namespace Fovea.Detection.Systems;

/// <summary>Truths of YOLO v1: which cell an object belongs to, and which of the cell's boxes answers for it.</summary>
internal static class YoloV1Cells
{
    /// <summary>The object of each cell, -1 for none, from labels [M] and boxes [M][4]: the one that holds the centre of the box. A cell has
    /// room for one object, the last of the list; boxes without area belong to no cell.</summary>
    public static int[] Objects(ReadOnlySpan<int> labels, ReadOnlySpan<float> boxes, int side, int imageSize)
    {
        var objects = new int[side * side];
        Array.Fill(objects, -1);
        for (var m = 0; m < labels.Length && labels[m] >= 0; m++)
        {
            var box = boxes.Slice(4 * m, 4);
            if (!(box[2] > box[0] && box[3] > box[1])) continue;
            objects[Cell(box[1], box[3], side, imageSize) * side + Cell(box[0], box[2], side, imageSize)] = m;
        }
        return objects;
    }

    /// <summary>A box x1 y1 x2 y2 as its cell learns it: x y from the cell's corner in cells, square roots of width and height in
    /// images.</summary>
    public static (double X, double Y, double RootWidth, double RootHeight) Encode(ReadOnlySpan<float> box, int side, int imageSize)
    {
        var (x, y) = (((double)box[0] + box[2]) / 2 / imageSize * side, ((double)box[1] + box[3]) / 2 / imageSize * side);
        return (x - Cell(box[0], box[2], side, imageSize), y - Cell(box[1], box[3], side, imageSize),
            Math.Sqrt(((double)box[2] - box[0]) / imageSize), Math.Sqrt(((double)box[3] - box[1]) / imageSize));
    }

    /// <summary>The box [B][4] that answers for the truth, and its IoU: that of the largest IoU, the first of equals. Where no IoU is above
    /// 0, the nearest in x y w h, if the root of the summed squares is below 20; else the first.</summary>
    public static (int Box, double Iou) Responsible(ReadOnlySpan<float> boxes, (double X, double Y, double RootWidth, double RootHeight) truth, int side)
    {
        var (tx, ty, tw, th) = (truth.X / side, truth.Y / side, truth.RootWidth * truth.RootWidth, truth.RootHeight * truth.RootHeight);
        var (best, bestIou, bestDistance, firstIou) = (-1, 0.0, 20.0, 0.0);
        for (var b = 0; b < boxes.Length / 4; b++)
        {
            // Offsets within the cell stand for places: all boxes of a cell share its corner.
            var (x, y) = ((double)boxes[4 * b] / side, (double)boxes[4 * b + 1] / side);
            var (w, h) = ((double)boxes[4 * b + 2] * boxes[4 * b + 2], (double)boxes[4 * b + 3] * boxes[4 * b + 3]);
            var iou = Iou(x, y, w, h, tx, ty, tw, th);
            if (b == 0) firstIou = iou;
            if (bestIou > 0 || iou > 0)
            {
                if (iou > bestIou) (best, bestIou) = (b, iou);
                continue;
            }
            var distance = Math.Sqrt((x - tx) * (x - tx) + (y - ty) * (y - ty) + (w - tw) * (w - tw) + (h - th) * (h - th));
            if (distance < bestDistance) (best, bestDistance) = (b, distance);
        }
        return best < 0 ? (0, firstIou) : (best, bestIou);
    }

    private static int Cell(float from, float to, int side, int imageSize) =>
        (int)Math.Clamp(Math.Floor(((double)from + to) / 2 / imageSize * side), 0, side - 1);

    private static double Iou(double x, double y, double w, double h, double tx, double ty, double tw, double th)
    {
        var width = Math.Min(x + w / 2, tx + tw / 2) - Math.Max(x - w / 2, tx - tw / 2);
        var height = Math.Min(y + h / 2, ty + th / 2) - Math.Max(y - h / 2, ty - th / 2);
        if (double.IsNaN(width) || double.IsNaN(height)) return double.NaN;
        if (width <= 0 || height <= 0) return 0;
        return width * height / (w * h + tw * th - width * height);
    }
}
