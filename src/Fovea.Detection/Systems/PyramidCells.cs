using Fovea.Detection.Pyramids;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The cells of a dense head over an image: levels one behind the other, in each row by row.</summary>
internal static class PyramidCells
{
    /// <summary>Cells of all levels. Convolutions of stride 2 round up.</summary>
    public static int Count(int height, int width, IReadOnlyList<int> strides) => strides.Sum(s => Side(height, s) * Side(width, s));

    /// <summary>x, y, stride of every cell, in pixels.</summary>
    public static float[] Points(int height, int width, IReadOnlyList<int> strides, CellPoint point)
    {
        var cells = new List<float>(3 * Count(height, width, strides));
        foreach (var stride in strides)
        {
            var level = AnchorBoxes.Points(Side(height, stride), Side(width, stride), stride, point == CellPoint.Middle ? stride / 2 : 0);
            for (var i = 0; i < level.Length; i += 2) cells.AddRange([level[i], level[i + 1], stride]);
        }
        return [.. cells];
    }

    /// <summary>The same on a device, of a square image: [N][3].</summary>
    public static DeviceTensor Tensor(DeviceStream stream, int imageSize, IReadOnlyList<int> strides, CellPoint point) =>
        DeviceTensor.From<float>(stream, Points(imageSize, imageSize, strides, point), Count(imageSize, imageSize, strides), 3);

    /// <summary>Distances left top right bottom [B][N][4] as boxes x1 y1 x2 y2 [B*N][4] around the cell's own point.</summary>
    public static Value Corners(Value distances)
    {
        var flat = distances.Reshape(-1, 4);
        return flat.Columns(0, 2).Affine(-1).Concat(flat.Columns(2, 2));
    }

    /// <summary>IoU of pairs of boxes [M][4], a constant.</summary>
    public static Value Iou(Value boxes, Value targets)
    {
        using (boxes.Tape.NoGradient())
            return boxes.BoxLoss(targets, new BoxLossOptions { Overlap = Overlap.Union }).Affine(-1, 1);
    }

    /// <summary>Sum of losses [M] times constant weights [M], divided by the sum of the weights or 1, if that is more.</summary>
    public static Value WeightedMean(Value losses, Value weights) =>
        losses.Multiply(weights).Sum().Divide(weights.Sum().Activate(Activation.Clamp(1, float.PositiveInfinity)));

    private static int Side(int pixels, int stride) => (pixels + stride - 1) / stride;
}
