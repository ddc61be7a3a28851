using Fovea.Detection.Assignment;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>DETR's loss of a set of predictions: each object is matched with one query, all others are to say "no object". Costs, matching and
/// loss are operations of the tape that stay on the device.</summary>
internal static class SetLoss
{
    /// <summary>Matches and compares one decoder layer.</summary>
    /// <param name="logits">[B][N][K].</param>
    /// <param name="boxes">[B][N][4]: centre, width, height.</param>
    /// <param name="targets">Labels.</param>
    /// <param name="classWeights">[K]: of the cross-entropy.</param>
    /// <param name="options">Weights.</param>
    public static Parts Of(Value logits, Value boxes, in SetTargets targets, Value classWeights, DetrLossOptions options)
    {
        var (queries, objects) = Match(logits, boxes, targets, options);
        var k = logits.Shape[2];
        // A query without an object gathers 0 and becomes class K - 1.
        var labels = targets.FromNoObject.GatherInBatch(objects).Affine(1, k - 1).Cast(DType.Int32).Reshape(-1);
        var classes = logits.Reshape(-1, k).CrossEntropy(labels, classWeights: classWeights);

        var matched = boxes.GatherInBatch(queries);
        var isMatched = IsMatched(queries);
        var distance = matched.SmoothL1(targets.Boxes, beta: 0).Multiply(isMatched.Reshape([.. isMatched.Shape, 1]));
        var giou = Corners(matched).Reshape(-1, 4).BoxLoss(targets.Corners.Reshape(-1, 4)).Multiply(isMatched.Reshape(-1));
        return new Parts(
            classes.Affine(options.ClassWeight),
            distance.Sum().Divide(targets.BoxCount).Affine(options.BoxWeight),
            giou.Sum().Divide(targets.BoxCount).Affine(options.GiouWeight), queries);
    }

    /// <summary>The query of each object i32 [B][M] and the object of each query i32 [B][N], -1 for none, of least cost
    /// ClassWeight*(-p) + BoxWeight*L1 + GiouWeight*(-GIoU).</summary>
    public static (Value Queries, Value Objects) Match(Value logits, Value boxes, in SetTargets targets, DetrLossOptions options)
    {
        using var constants = logits.Tape.NoGradient();
        var (batch, n, m) = (boxes.Shape[0], boxes.Shape[1], targets.Boxes.Shape[1]);
        var classes = logits.Softmax().MatMul(targets.OneHot, new MatMulOptions { TransposeB = true, Alpha = -options.ClassWeight });
        var distances = boxes.Reshape(batch, n, 1, 4).Subtract(targets.Boxes.Reshape(batch, 1, m, 4)).Unary(UnaryOp.Abs).Reduce(ReduceOp.Sum, keepDimensions: false, 3);
        var overlaps = new BoxOverlapsOperation(Overlap.Giou).Record(Corners(boxes), targets.Corners)[0];
        var costs = classes.Add(distances.Affine(options.BoxWeight)).Add(overlaps.Affine(-options.GiouWeight));
        var pairs = new LinearAssignmentOperation().Record(costs, targets.Counts);
        return (pairs[0], pairs[1]);
    }

    /// <summary>1 where an object [B][M] has a query, else 0: indices are -1 or not negative.</summary>
    public static Value IsMatched(Value queries) => queries.Cast(DType.Float32).Activate(Activation.Clamp(-1, 0)).Affine(1, 1);

    /// <summary>x1 y1 x2 y2 of centre, width and height.</summary>
    public static Value Corners(Value boxes)
    {
        var (centre, half) = (boxes.Columns(0, 2), boxes.Columns(2, 2).Affine(0.5f));
        return centre.Subtract(half).Concat(centre.Add(half));
    }

    /// <summary>Weighted scalars, and the query of each object.</summary>
    internal readonly record struct Parts(Value Classes, Value Boxes, Value Giou, Value Queries);
}
