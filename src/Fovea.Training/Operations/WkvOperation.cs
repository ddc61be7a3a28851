namespace Fovea.Training;

/// <summary>RWKV-4's mixer from its start: decay, bonus [C], k, v [B][L][C]; y of v's shape. Its states are not kept: backward computes
/// them again.</summary>
internal sealed record WkvOperation : Operation
{
    public override string Name => "wkv";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b1111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (decay, bonus, k, v) = (inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!);
        if (k.Rank != 3 || !k.Equals(v) || decay.Rank != 1 || decay[0] != k[2] || !bonus.Equals(decay))
            throw Bad($"decay {decay}, bonus {bonus}, k {k} and v {v} do not fit");
        outputs[0] = v;
    }

    public override void Forward(ForwardPass pass) =>
        Kernels.Wkv(pass.Stream, pass.Input(0), pass.Input(1), pass.Input(2), pass.Input(3), state: null, pass.Output());

    public override void Backward(BackwardPass pass) => Kernels.WkvBackward(pass.Stream, pass.Input(0), pass.Input(1), pass.Input(2),
        pass.Input(3), pass.OutputGradient(), pass.Gradient(0), pass.Gradient(1), pass.Gradient(2), pass.Gradient(3));
}
