namespace Fovea.Training;

/// <summary>A loss of each element of x; the targets are constants.</summary>
internal sealed record PointwiseLossOperation(PointwiseLossOptions Options) : Operation
{
    public override string Name => "pointwise_loss";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, target) = (inputs[0]!, inputs[1]!);
        if (x.DType != DType.Float32 || !x.Equals(target)) throw Bad($"targets {target} do not fit x {x}");
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.PointwiseLoss(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.PointwiseLossBackward(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.OutputGradient(), dx);
    }
}
