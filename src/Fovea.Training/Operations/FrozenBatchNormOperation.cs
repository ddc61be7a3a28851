namespace Fovea.Training;

/// <summary>Normalises each channel by statistics that are constants: x [..][C], gamma, beta [C] or absent, mean and variance [C].</summary>
internal sealed record FrozenBatchNormOperation(BatchNormOptions Options) : Operation
{
    public override string Name => "frozen_batch_norm";

    // dx = dy*gamma/deviation needs no x; the gradient of gamma does.
    public override SavedTensors Saves(uint wanted) => LearnsScale(wanted) ? new(Inputs: 0b11011) : new(Inputs: 0b10010);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank < 2) throw Bad($"x is {x}");
        CheckChannels(x, inputs[1..]);
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) => Kernels.BatchNorm(pass.Stream, Options with { Training = false }, pass.Input(0),
        pass.Optional(1), pass.Optional(2), pass.Input(3), pass.Input(4), savedMean: null, savedRstd: null, pass.Output());

    public override void Backward(BackwardPass pass)
    {
        using var scale = DeviceTensor.Allocate(pass.Stream, DType.Float32, pass.InputSpec(4).Shape); // 1/deviation
        Kernels.Affine(pass.Stream, 1, Options.Epsilon, pass.Input(4), scale);
        Kernels.Unary(pass.Stream, UnaryOp.Rsqrt, scale, scale);
        if (pass.Wants(1) || pass.Wants(2))
        {
            Kernels.BatchNormBackward(pass.Stream, Options with { Training = false }, pass.Input(0), pass.Optional(1), pass.Input(3), scale,
                pass.OutputGradient(), pass.Gradient(0), pass.Gradient(1), pass.Gradient(2));
            return;
        }
        if (pass.Gradient(0) is not { } dx) return;
        if (pass.Optional(1) is { } gamma) Kernels.Binary(pass.Stream, BinaryOp.Mul, scale, gamma, scale);
        Kernels.Binary(pass.Stream, BinaryOp.Mul, pass.OutputGradient(), scale, dx);
    }

    private static bool LearnsScale(uint wanted) => (wanted & 0b110) != 0;
}
