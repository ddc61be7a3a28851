using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The labels of a batch as a set loss wants them.</summary>
/// <param name="Boxes">[B][M][4]: centre, width and height as shares of the image.</param>
/// <param name="Corners">[B][M][4]: the same as x1 y1 x2 y2.</param>
/// <param name="OneHot">[B][M][K]: 1 at the class, all 0 at an empty place. K - 1 is "no object".</param>
/// <param name="FromNoObject">[B][M][1]: class - (K - 1).</param>
/// <param name="Counts">i32 [B]: objects of each image.</param>
/// <param name="BoxCount">Objects of the batch, at least 1.</param>
internal readonly record struct SetTargets(Value Boxes, Value Corners, Value OneHot, Value FromNoObject, Value Counts, Value BoxCount)
{
    /// <summary>Turns labels in pixels of square images around. identity: [K][K].</summary>
    public static SetTargets Of(DetectionTargets targets, int imageSize, Value identity)
    {
        var tape = targets.Boxes.Tape;
        using var constants = tape.NoGradient();
        var corners = targets.Boxes.Affine(1f / imageSize);
        var (low, high) = (corners.Columns(0, 2), corners.Columns(2, 2));
        var classes = targets.Classes.Cast(DType.Float32);
        // Classes are -1 at empty places and not negative at others.
        var present = classes.Activate(Activation.Clamp(-1, 0)).Affine(1, 1);
        return new SetTargets(
            low.Add(high).Affine(0.5f).Concat(high.Subtract(low)), corners, identity.GatherRows(targets.Classes),
            classes.Affine(1, 1 - identity.Shape[0]).Reshape([.. classes.Shape, 1]),
            present.Reduce(ReduceOp.Sum, keepDimensions: false, 1).Cast(DType.Int32), present.Sum().Activate(Activation.Clamp(1, float.MaxValue)));
    }
}
