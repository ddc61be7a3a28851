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

    /// <summary>Zeroes a share of the elements, other ones in each run (see <see cref="TapeProgram.SetRandomState"/>), and scales the
    /// rest so that the expectation stays.</summary>
    public static Value Dropout(this Value x, float rate) => rate == 0 ? x : x.Tape.Record(new DropoutOperation(rate, x.Tape.NextSequence()), x);
}
