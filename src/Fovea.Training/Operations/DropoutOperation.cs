namespace Fovea.Training;

/// <summary>Zeroes elements by counter-based random numbers and scales the others by 1/(1 - rate). No mask is kept: backward draws
/// the same numbers again.</summary>
/// <param name="Rate">Share of elements that become 0.</param>
/// <param name="Sequence">Tells the dropouts of a tape apart.</param>
internal sealed record DropoutOperation(float Rate, long Sequence) : Operation
{
    public override string Name => "dropout";

    public override SavedTensors Saves(uint wanted) => SavedTensors.None;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        if (!(Rate >= 0 && Rate < 1)) throw Bad($"the rate is {Rate}, not in [0, 1)");
        outputs[0] = inputs[0]!;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.Dropout(pass.Stream, Rate, Sequence, pass.RandomState, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.Dropout(pass.Stream, Rate, Sequence, pass.RandomState, pass.OutputGradient(), dx);
    }
}
