namespace Fovea.Training;

/// <summary>The selective scan of Mamba from a zero state: u, delta, z [B][L][D], a [D][N], b, c [B][L][N], skip, delta bias [D];
/// skip, z and the bias may be absent. Its states are not kept: backward computes them again.</summary>
internal sealed record SelectiveScanOperation(SelectiveScanOptions Options) : Operation
{
    public override string Name => "selective_scan";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b11111111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (u, delta, a, b, c) = (inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!, inputs[4]!);
        if (u.Rank != 3 || !delta.Equals(u) || a.Rank != 2 || a[0] != u[2] || !b.Equals(c) || b.Rank != 3 || b[0] != u[0] || b[1] != u[1] || b[2] != a[1])
            throw Bad($"u {u}, delta {delta}, a {a}, b {b} and c {c} do not fit");
        outputs[0] = u;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.SelectiveScan(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Input(2), pass.Input(3), pass.Input(4),
            pass.Optional(5), pass.Optional(6), pass.Optional(7), state: null, pass.Output());

    public override void Backward(BackwardPass pass) =>
        Kernels.SelectiveScanBackward(pass.Stream, Options, pass.Input(0), pass.Input(1), pass.Input(2), pass.Input(3), pass.Input(4),
            pass.Optional(5), pass.Optional(6), pass.Optional(7), initialState: null, pass.OutputGradient(), dFinalState: null,
            new SelectiveScanGradients
            {
                U = pass.Gradient(0),
                Delta = pass.Gradient(1),
                A = pass.Gradient(2),
                B = pass.Gradient(3),
                C = pass.Gradient(4),
                Skip = pass.Gradient(5),
                Z = pass.Gradient(6),
                DeltaBias = pass.Gradient(7),
            });
}
