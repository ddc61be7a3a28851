namespace Fovea.Training;

public static partial class TapeOperations
{
    /// <summary>y = activation(x).</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="activation">The function.</param>
    /// <param name="slope">[C] for PReLU, else absent.</param>
    public static Value Activate(this Value x, Activation activation, Value slope = default) =>
        slope.IsPresent ? x.Tape.Record(new ActivateOperation(activation), x, slope) : x.Tape.Record(new ActivateOperation(activation), x);
}
