namespace Fovea.Training;

/// <summary>Causal linear attention with decay, from a zero state: q, k [B][L][G][D], v [B][L][H][P], log decay [H] or [B][L][H] or absent;
/// o [B][L][H][P]. Chunk states are not kept: backward computes them again.</summary>
internal sealed record LinearAttentionOperation(LinearAttentionOptions Options) : Operation
{
    public override string Name => "linear_attention";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b1111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (q, k, v) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (q.Rank != 4 || !q.Equals(k) || v.Rank != 4 || v[0] != q[0] || v[1] != q[1] || q[2] == 0 || v[2] % q[2] != 0)
            throw Bad($"q {q}, k {k} and v {v} do not fit");
        if (inputs.Length > 3 && inputs[3] is { } decay && !decay.Shape.SequenceEqual([v[2]]) && !decay.Shape.SequenceEqual([v[0], v[1], v[2]]))
            throw Bad($"log decay {decay} does not fit v {v}");
        outputs[0] = v;
    }

    public override void Forward(ForwardPass pass) => Kernels.LinearAttention(pass.Stream, Options,
        pass.Input(0), pass.Input(1), pass.Input(2), pass.Optional(3), state: null, pass.Output());

    public override void Backward(BackwardPass pass) => Kernels.LinearAttentionBackward(pass.Stream, Options,
        pass.Input(0), pass.Input(1), pass.Input(2), pass.Optional(3), initialState: null, pass.OutputGradient(), dFinalState: null,
        new LinearAttentionGradients
        {
            Q = pass.Gradient(0),
            K = pass.Gradient(1),
            V = pass.Gradient(2),
            LogDecay = pass.Gradient(3),
        });
}
