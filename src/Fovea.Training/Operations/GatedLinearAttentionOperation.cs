namespace Fovea.Training;

/// <summary>Gated linear attention from a zero memory: q, k [B][L][H][D], v [B][L][H][P]; log decay [H][D] or [B][L][H][D], bonus [H][D],
/// removal and replacement [B][L][H][D] may be absent; o of v's shape. Memories are not kept: backward computes them again.</summary>
internal sealed record GatedLinearAttentionOperation : Operation
{
    public override string Name => "gated_linear_attention";

    public override SavedTensors Saves(uint wanted) => new(Inputs: 0b1111111);

    public override void Infer(ReadOnlySpan<TensorSpec?> inputs, Span<TensorSpec> outputs)
    {
        var (q, k, v) = (inputs[0]!, inputs[1]!, inputs[2]!);
        if (q.Rank != 4 || !q.Equals(k) || v.Rank != 4 || v[0] != q[0] || v[1] != q[1] || v[2] != q[2])
            throw Bad($"q {q}, k {k} and v {v} do not fit");
        long[] byHead = [q[2], q[3]];
        if (inputs[3] is { } decay && !decay.Equals(q) && !decay.Shape.SequenceEqual(byHead)) throw Bad($"log decay {decay} does not fit q {q}");
        if (inputs[4] is { } bonus && !bonus.Shape.SequenceEqual(byHead)) throw Bad($"bonus {bonus} does not fit q {q}");
        if ((inputs[5] is null) != (inputs[6] is null)) throw Bad("removal and replacement go together");
        if (inputs[5] is { } removal && !(removal.Equals(q) && inputs[6]!.Equals(q)))
            throw Bad($"removal {removal} and replacement {inputs[6]} do not fit q {q}");
        outputs[0] = v;
    }

    public override void Forward(ForwardPass pass) => Kernels.GatedLinearAttention(pass.Stream, new GatedLinearAttentionInputs
    {
        Q = pass.Input(0),
        K = pass.Input(1),
        V = pass.Input(2),
        LogDecay = pass.Optional(3),
        Bonus = pass.Optional(4),
        Removal = pass.Optional(5),
        Replacement = pass.Optional(6),
    }, state: null, pass.Output());

    public override void Backward(BackwardPass pass) => Kernels.GatedLinearAttentionBackward(pass.Stream, new GatedLinearAttentionInputs
    {
        Q = pass.Input(0),
        K = pass.Input(1),
        V = pass.Input(2),
        LogDecay = pass.Optional(3),
        Bonus = pass.Optional(4),
        Removal = pass.Optional(5),
        Replacement = pass.Optional(6),
    }, pass.OutputGradient(), new GatedLinearAttentionGradients
    {
        Q = pass.Gradient(0),
        K = pass.Gradient(1),
        V = pass.Gradient(2),
        LogDecay = pass.Gradient(3),
        Bonus = pass.Gradient(4),
        Removal = pass.Gradient(5),
        Replacement = pass.Gradient(6),
    });
}
