namespace Fovea.Training;

/// <summary>Softmax or log-softmax over one dimension.</summary>
internal sealed record SoftmaxOperation(SoftmaxOptions Options) : Operation
{
    public override string Name => "softmax";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Output(0);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, axis) = (inputs[0]!, Options.Axis);
        if (axis < -x.Rank || axis >= x.Rank) throw Bad($"{x} has no dimension {axis}");
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) => Kernels.Softmax(pass.Stream, Options, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.SoftmaxBackward(pass.Stream, Options, pass.Output(), pass.OutputGradient(), dx);
    }
}
