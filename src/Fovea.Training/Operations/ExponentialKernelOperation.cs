namespace Fovea.Training;

/// <summary>The impulse response of a diagonal state space: exponents and weights [D][N][2] to [D][Length].</summary>
internal sealed record ExponentialKernelOperation(long Length) : Operation
{
    public override string Name => "exponential_kernel";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (exponents, weights) = (inputs[0]!, inputs[1]!);
        if (exponents.Rank != 3 || exponents[2] != 2 || !weights.Equals(exponents)) throw Bad($"exponents {exponents} and weights {weights} do not fit");
        outputs[0] = exponents.With(exponents[0], Length);
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.ExponentialKernel(pass.Stream, pass.Input(0), pass.Input(1), pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.ExponentialKernelBackward(pass.Stream, pass.Input(0), pass.Input(1), pass.OutputGradient(), pass.Gradient(0), pass.Gradient(1));
}
