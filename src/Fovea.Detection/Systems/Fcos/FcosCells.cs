using Fovea.Detection.Pyramids;

namespace Fovea.Detection.Systems;

/// <summary>The cells of a dense head over a square image: levels one behind the other.</summary>
internal static class FcosCells
{
    /// <summary>Cells of a side at a stride: convolutions of stride 2 round up.</summary>
    public static int Side(int imageSize, int stride) => (imageSize + stride - 1) / stride;

    /// <summary>Cells of all levels.</summary>
    public static int Count(int imageSize, IReadOnlyList<int> strides) => strides.Sum(s => Side(imageSize, s) * Side(imageSize, s));

    /// <summary>x, y, stride of every cell, in pixels: points at floor(stride/2) + index * stride, as in the paper.</summary>
    public static float[] Points(int imageSize, IReadOnlyList<int> strides)
    {
        var points = new List<float>();
        foreach (var stride in strides)
        {
            var side = Side(imageSize, stride);
            var level = AnchorBoxes.Points(side, side, stride, stride / 2);
            for (var i = 0; i < level.Length; i += 2) points.AddRange([level[i], level[i + 1], stride]);
        }
        return [.. points];
    }
}
