namespace Fovea.Training;

/// <summary>Normalises the last dimension [C]; gamma and beta [C] or absent. Mean and variance are not kept: backward finds them
/// again.</summary>
internal sealed record LayerNormOperation(LayerNormOptions Options) : Operation
{
    public override string Name => Options.Rms ? "rms_norm" : "layer_norm";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank < 1) throw Bad("x is a scalar");
        CheckChannels(x, inputs[1..]);
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.LayerNorm(pass.Stream, Options, pass.Input(0), residual: null, pass.Optional(1), pass.Optional(2), sum: null, pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.LayerNormBackward(pass.Stream, Options, pass.Input(0), pass.Optional(1), pass.OutputGradient(),
            pass.Gradient(0), pass.Gradient(1), pass.Gradient(2));
}
