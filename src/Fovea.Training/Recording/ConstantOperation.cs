namespace Fovea.Training;

/// <summary>An operation through which no gradient flows: decoding, matching, sampling.</summary>
public abstract record ConstantOperation : Operation
{
    /// <inheritdoc/>
    public sealed override SavedTensors Saves(uint wanted) => SavedTensors.None;

    /// <inheritdoc/>
    public sealed override void Backward(BackwardPass pass) => throw new InvalidOperationException($"{Name} has no gradient");

    /// <summary>Records the operation on the inputs' tape, without a gradient whatever the inputs are; the results.</summary>
    public Value[] Record(params ReadOnlySpan<Value> inputs)
    {
        Tape? tape = null;
        foreach (var input in inputs) tape ??= input.IsPresent ? input.Tape : null;
        if (tape is null) throw new ArgumentException($"{Name} has no input", nameof(inputs));
        var outputs = new Value[OutputCount];
        using (tape.NoGradient()) tape.Record(this, inputs, outputs);
        return outputs;
    }
}
