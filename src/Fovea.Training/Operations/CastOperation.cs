namespace Fovea.Training;

/// <summary>The same numbers in another type, rounded to floats and truncated to integers. Its gradient goes back in the type of the input: an f32 parameter
/// used through a bf16 cast is the master copy of mixed precision (Micikevicius et al., 2018).</summary>
/// <param name="Target">An integer only where no gradient is wanted.</param>
internal sealed record CastOperation(DType Target) : Operation
{
    public override string Name => "cast";

    public override SavedTensors Saves(uint wanted) => SavedTensors.None;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs) => outputs[0] = new TensorSpec(Target, inputs[0]!.Shape);

    public override void Forward(ForwardPass pass) => Kernels.Copy(pass.Stream, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.Copy(pass.Stream, pass.OutputGradient(), dx);
    }

    internal static bool IsFloat(DType dtype) => dtype is DType.Float32 or DType.Float16 or DType.BFloat16;
}
