namespace Fovea.Training;

/// <summary>Depthwise convolution that looks back only, from a zero state: x [B][L][D], w [D][K], bias [D] or absent, activation
/// fused.</summary>
internal sealed record CausalConv1DOperation(Activation Activation) : Operation
{
    public override string Name => "causal_conv1d";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, w) = (inputs[0]!, inputs[1]!);
        if (x.Rank != 3 || w.Rank != 2 || w[0] != x[2]) throw Bad($"weight {w} does not fit x {x}");
        if (inputs.Length > 2 && inputs[2] is { } bias && (bias.Rank != 1 || bias[0] != x[2])) throw Bad($"bias {bias} does not fit x {x}");
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.CausalConv1D(pass.Stream, Activation, pass.Input(0), pass.Input(1), pass.Optional(2), state: null, pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.CausalConv1DBackward(pass.Stream, Activation, pass.Input(0), pass.Input(1), pass.Optional(2), state: null,
            pass.OutputGradient(), dFinalState: null, pass.Gradient(0), pass.Gradient(1), pass.Gradient(2), dState: null);
}
