namespace Fovea.Training;

public static partial class TapeOperations
{
    /// <summary>RWKV-4's mixer from its start; see <see cref="Kernels.Wkv"/>. decay is the exponent itself: -exp of the trained
    /// number.</summary>
    public static Value Wkv(this Value k, Value v, Value decay, Value bonus) => k.Tape.Record(new WkvOperation(), decay, bonus, k, v);

    /// <summary>Linear attention with a decay per key, a bonus for the current position and the delta rule, each of which may be absent,
    /// from a zero memory; see <see cref="Kernels.GatedLinearAttention"/> for the shapes.</summary>
    public static Value GatedLinearAttention(this Value q, Value k, Value v, Value logDecay = default, Value bonus = default,
        Value removal = default, Value replacement = default) =>
        q.Tape.Record(new GatedLinearAttentionOperation(), q, k, v, logDecay, bonus, removal, replacement);
}
