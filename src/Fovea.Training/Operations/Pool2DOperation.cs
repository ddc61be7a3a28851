namespace Fovea.Training;

/// <summary>Maximum or average of windows of x [N][H][W][C].</summary>
internal sealed record Pool2DOperation(Pool2DOptions Options) : Operation
{
    public override string Name => "pool2d";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(0).When(Options.Mode == PoolMode.Max);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var x = inputs[0]!;
        if (x.Rank != 4) throw Bad($"x is {x}");
        var (height, width) = Options.OutputSize(x[1], x[2]);
        if (height < 1 || width < 1) throw Bad($"x {x} is smaller than the window");
        outputs[0] = x.With(x[0], height, width, x[3]);
    }

    public override void Forward(ForwardPass pass) => Kernels.Pool2D(pass.Stream, Options, pass.Input(0), pass.Output());

    public override void Backward(BackwardPass pass)
    {
        if (pass.Gradient(0) is { } dx)
            Kernels.Pool2DBackward(pass.Stream, Options, Options.Mode == PoolMode.Max ? pass.Input(0) : null, pass.OutputGradient(), dx);
    }
}
