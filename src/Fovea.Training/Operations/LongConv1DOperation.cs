namespace Fovea.Training;

/// <summary>Causal depthwise convolution with a kernel as long as the sequence: x [B][L][D], kernel [D][K], skip [D] or
/// absent.</summary>
internal sealed record LongConv1DOperation : Operation
{
    public override string Name => "long_conv1d";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, kernel) = (inputs[0]!, inputs[1]!);
        if (x.Rank != 3 || kernel.Rank != 2 || kernel[0] != x[2]) throw Bad($"kernel {kernel} does not fit x {x}");
        CheckChannels(x, inputs[2..]);
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.LongConv1D(pass.Stream, pass.Input(0), pass.Input(1), pass.Optional(2), pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.LongConv1DBackward(pass.Stream, pass.Input(0), pass.Input(1), pass.Optional(2), pass.OutputGradient(),
            pass.Gradient(0), pass.Gradient(1), pass.Gradient(2));
}
