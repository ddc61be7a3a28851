using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>DETR's loss of masks: focal loss, the mean over pixels, and dice, each summed over the objects and divided by their number.</summary>
internal static class MaskLoss
{
    /// <summary>Compares masks.</summary>
    /// <param name="logits">[B][M][h][w], of the query of each object; resized bilinearly to the size of the truth.</param>
    /// <param name="masks">u8 [B][M][S][S].</param>
    /// <param name="isMatched">[B][M], 0 where the place is empty.</param>
    /// <param name="count">Objects, at least 1.</param>
    public static (Value Focal, Value Dice) Of(Value logits, Value masks, Value isMatched, Value count)
    {
        var (rows, height, width) = (masks.Shape[0] * masks.Shape[1], masks.Shape[2], masks.Shape[3]);
        var resized = logits.Reshape(rows, logits.Shape[2], logits.Shape[3], 1).Resize(new ResizeOptions(), height, width).Reshape(rows, height * width);
        var truth = masks.Cast(DType.Float32).Reshape(rows, height * width);
        var weights = isMatched.Reshape(rows);
        var focal = resized.FocalLoss(truth).Reduce(ReduceOp.Mean, keepDimensions: false, 1);
        return (focal.Multiply(weights).Sum().Divide(count), Dice(resized.Activate(Activation.Sigmoid), truth).Multiply(weights).Sum().Divide(count));
    }

    /// <summary>1 - (2 sum(p t) + 1)/(sum(p) + sum(t) + 1) of each row of p and t [R][P]; the ones keep empty masks finite.</summary>
    internal static Value Dice(Value p, Value t)
    {
        var common = p.Multiply(t).Reduce(ReduceOp.Sum, keepDimensions: false, 1).Affine(2, 1);
        var all = p.Add(t).Reduce(ReduceOp.Sum, keepDimensions: false, 1).Affine(1, 1);
        return common.Divide(all).Affine(-1, 1);
    }
}
