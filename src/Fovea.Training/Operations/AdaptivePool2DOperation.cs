namespace Fovea.Training;

/// <summary>Maximum or average of a fixed number of bins of x [N][H][W][C]; 1 by 1 is global pooling.</summary>
internal sealed record AdaptivePool2DOperation(PoolMode Mode, long Height, long Width) : Operation
{
    public override string Name => "adaptive_pool2d";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(0).When(Mode == PoolMode.Max);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank != 4 || Height < 1 || Width < 1) throw Bad($"{Height} by {Width} bins of x {x}");
        outputs[0] = x.With(x[0], Height, Width, x[3]);
    }

    public override void Forward(ForwardPass pass) => Kernels.AdaptivePool2D(pass.Stream, Mode, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx)
            Kernels.AdaptivePool2DBackward(pass.Stream, Mode, Mode == PoolMode.Max ? pass.Input(0) : null, pass.OutputGradient(), dx);
    }
}
