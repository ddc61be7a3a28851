namespace Fovea.Training;

public static partial class TapeOperations
{
    /// <summary>Mean softmax cross-entropy: logits [N][K], targets i32 or i64 [N], class weights [K] or absent. The mean divides by the
    /// sum of the weights of the rows that count; it is 0 when none does.</summary>
    public static Value CrossEntropy(this Value logits, Value targets, CrossEntropyOptions? options = null, Value classWeights = default)
    {
        Span<Value> outputs = [default, default, default];
        logits.Tape.Record(new CrossEntropyOperation(options ?? new CrossEntropyOptions()), [logits, targets, classWeights], outputs);
        return logits.Tape.Record(new WeightedMeanOperation(), outputs[0], logits.Tape.Detach(outputs[1]));
    }

    /// <summary>The loss of each element of x [any shape]; no gradient flows into the targets. Detectors divide the sum by the number of
    /// positives, regressions take the mean.</summary>
    public static Value PointwiseLoss(this Value x, Value target, PointwiseLossOptions options) =>
        x.Tape.Record(new PointwiseLossOperation(options), x, x.Tape.Detach(target));

    /// <summary>Focal loss of each logit for targets in [0, 1]; the defaults are RetinaNet's, a negative alpha weights both halves by
    /// 1.</summary>
    public static Value FocalLoss(this Value logits, Value target, float alpha = 0.25f, float gamma = 2) =>
        logits.PointwiseLoss(target, PointwiseLossOptions.Focal(alpha, gamma));

    /// <summary>Binary cross-entropy of each logit for targets in [0, 1].</summary>
    public static Value BinaryCrossEntropy(this Value logits, Value target) => logits.PointwiseLoss(target, PointwiseLossOptions.Bce);

    /// <summary>Smooth L1 of each difference: d^2/(2*beta) below beta, d - beta/2 above; beta = 0 is L1.</summary>
    public static Value SmoothL1(this Value x, Value target, float beta = 1) => x.PointwiseLoss(target, PointwiseLossOptions.SmoothL1(beta));

    /// <summary>1 - overlap of boxes and targets, [N][4] as x1 y1 x2 y2 to [N]; no gradient flows into the targets.</summary>
    public static Value BoxLoss(this Value boxes, Value targets, BoxLossOptions? options = null) =>
        boxes.Tape.Record(new BoxLossOperation(options ?? new BoxLossOptions()), boxes, boxes.Tape.Detach(targets));

    /// <summary>Zeroes a share of the elements, other ones in each run (see <see cref="TapeProgram.SetRandomState"/>), and scales the
    /// rest so that the expectation stays.</summary>
    public static Value Dropout(this Value x, float rate) => rate == 0 ? x : x.Tape.Record(new DropoutOperation(rate, x.Tape.NextSequence()), x);
}
