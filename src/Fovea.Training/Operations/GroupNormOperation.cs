namespace Fovea.Training;

/// <summary>Normalises groups of neighbouring channels of each image: x [N][..][C], gamma and beta [C] or absent.</summary>
internal sealed record GroupNormOperation(GroupNormOptions Options) : Operation
{
    public override string Name => "group_norm";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank < 2 || Options.Groups < 1 || x[^1] % Options.Groups != 0) throw Bad($"{Options.Groups} groups do not divide the channels of x {x}");
        CheckChannels(x, inputs[1..]);
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.GroupNorm(pass.Stream, Options, pass.Input(0), pass.Optional(1), pass.Optional(2), pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.GroupNormBackward(pass.Stream, Options, pass.Input(0), pass.Optional(1), pass.OutputGradient(),
            pass.Gradient(0), pass.Gradient(1), pass.Gradient(2));
}
