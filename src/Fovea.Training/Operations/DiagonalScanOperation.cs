namespace Fovea.Training;

/// <summary>y[t] = a[t] * y[t-1] + x[t] from a zero state: x [B][L][D], a [D] or [B][L][D].</summary>
internal sealed record DiagonalScanOperation(DiagonalScanOptions Options) : Operation
{
    public override string Name => "diagonal_scan";

    public override SavedTensors Saves(uint wanted) => SavedTensors.Input(1) | SavedTensors.Output(0);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (x, a) = (inputs[0]!, inputs[1]!);
        if (x.Rank != 3 || !(a.Equals(x) || (a.Rank == 1 && a[0] == x[2]))) throw Bad($"a {a} does not fit x {x}");
        if (Options.Complex && x[2] % 2 != 0) throw Bad($"complex numbers need an even last dimension, x is {x}");
        outputs[0] = x;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.DiagonalScan(pass.Stream, Options, pass.Input(0), pass.Input(1), state: null, pass.Output());

    // The kernel takes the shape of x from y.
    public override void Backward(BackwardPass pass) =>
        Kernels.DiagonalScanBackward(pass.Stream, Options, pass.Output(), pass.Input(1), initialState: null, pass.Output(),
            pass.OutputGradient(), dFinalState: null, pass.Gradient(0), pass.Gradient(1), dInitialState: null);
}
