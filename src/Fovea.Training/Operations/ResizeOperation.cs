namespace Fovea.Training;

/// <summary>Resamples x [N][H][W][C] to another height and width.</summary>
internal sealed record ResizeOperation(ResizeOptions Options, long Height, long Width) : Operation
{
    public override string Name => "resize";

    public override SavedTensors Saves(uint wanted) => SavedTensors.None;

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank != 4 || x.DType != DType.Float32 || Height < 1 || Width < 1) throw Bad($"{x} to {Height} by {Width}");
        outputs[0] = x.With(x[0], Height, Width, x[3]);
    }

    public override void Forward(ForwardPass pass) => Kernels.Resize(pass.Stream, Options, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx) Kernels.ResizeBackward(pass.Stream, Options, pass.OutputGradient(), dx);
    }
}
