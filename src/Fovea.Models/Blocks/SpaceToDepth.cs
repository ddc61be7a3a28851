using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Squares of two by two cells as one cell: x [N][H][W][C] to [N][H/2][W/2][4*C], of each square top left, bottom left, top right,
/// bottom right. No number is lost: the focus of YOLOv5 and YOLOX, the passthrough of YOLOv2.</summary>
public sealed class SpaceToDepth(string name) : Module(name)
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A side of x is odd.</exception>
    public override Value Forward(Value x)
    {
        if (x.Spec.Rank != 4 || x.Shape[1] % 2 != 0 || x.Shape[2] % 2 != 0) throw new ArgumentException($"{Name}: {x.Spec} has no even sides", nameof(x));
        long images = x.Shape[0], height = x.Shape[1] / 2, width = x.Shape[2] / 2, channels = x.Shape[3];
        // Two rows of x are one row of numbers: first the upper, then the lower.
        var pairs = x.Reshape(images * height, 4 * width * channels);
        var (upper, lower) = (Row(0), Row(1));
        return upper.Columns(0, channels).Concat(lower.Columns(0, channels), upper.Columns(channels, channels), lower.Columns(channels, channels));

        Value Row(int which) =>
            pairs.Columns(which * 2 * width * channels, 2 * width * channels).Concat().Reshape(images, height, width, 2 * channels);
    }
}
