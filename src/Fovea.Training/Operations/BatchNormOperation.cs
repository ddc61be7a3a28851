namespace Fovea.Training;

/// <summary>Normalises each channel over the batch: x [..][C], gamma, beta [C] or absent, running mean and variance [C]. Results: y,
/// and the batch's mean and 1/deviation [C], which backward reads.</summary>
internal sealed record BatchNormOperation(BatchNormOptions Options) : Operation
{
    public override string Name => "batch_norm";

    public override int OutputCount => 3;

    public override bool WritesBuffers => true;

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11, Outputs: 0b110);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank < 2) throw Bad($"x is {x}");
        CheckChannels(x, inputs[1..]);
        outputs[0] = x;
        outputs[1] = outputs[2] = new TensorSpec(DType.Float32, x[^1]);
    }

    public override void Forward(ForwardPass pass)
    {
        // The second time, a momentum of 0 leaves the running statistics as they are: m = 1*m + 0*b.
        var options = Options with { Training = true, Momentum = pass.IsAgain ? 0 : Options.Momentum };
        Kernels.BatchNorm(pass.Stream, options, pass.Input(0), pass.Optional(1), pass.Optional(2), pass.Input(3), pass.Input(4),
            pass.Output(1), pass.Output(2), pass.Output(0));
    }

    public override void Backward(BackwardPass pass) =>
        Kernels.BatchNormBackward(pass.Stream, Options with { Training = true }, pass.Input(0), pass.Optional(1), pass.Output(1), pass.Output(2),
            pass.OutputGradient(), pass.Gradient(0), pass.Gradient(1), pass.Gradient(2));
}
