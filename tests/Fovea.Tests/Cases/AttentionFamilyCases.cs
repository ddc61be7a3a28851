namespace Fovea.Tests.Cases;

/// <summary>Ragged attention, its gradients, and linear attention.</summary>
public sealed class AttentionFamilyCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Ragged("causal", new AttentionOptions { Causal = true }, [0, 5, 5, 42, 60], [0, 9, 9, 46, 70], 4, 2, 24),
        Ragged("full", new AttentionOptions(), [0, 33], [0, 50], 2, 2, 64),
        Backward("full", new AttentionOptions(), 2, 37, 53, 2, 2, 40),
        Backward("causal, grouped", new AttentionOptions { Causal = true }, 1, 130, 130, 4, 2, 16),
        Backward("window, softcap", new AttentionOptions { Causal = true, Window = 9, SoftCap = 4, SoftmaxScale = 0.4f }, 1, 33, 47, 2, 1, 24),
        Backward("lengths", new AttentionOptions(), 3, 7, 20, 2, 1, 32, [20, 3, 0]),
        Linear("retention", 2, 70, 2, 2, 16, 32, Decay.PerHead, chunk: 16),
        Linear("per step, grouped", 1, 45, 4, 1, 24, 20, Decay.PerStep, chunk: 0),
        Linear("no decay", 1, 19, 1, 1, 8, 8, Decay.None, chunk: 4),
        Linear("step", 2, 1, 4, 2, 16, 16, Decay.PerStep, chunk: 0),
    ];

    private enum Decay
    {
        None,
        PerHead,
        PerStep,
    }

    private static KernelCase Ragged(string name, AttentionOptions options, int[] queries, int[] keys, long heads, long groups, long size) => new($"attention_ragged {name}", stream =>
    {
        var run = new KernelRun();
        var q = run.Input(Data.Tensor(stream, 1, queries[^1], heads, size));
        var k = run.Input(Data.Tensor(stream, 2, keys[^1], groups, size));
        var v = run.Input(Data.Tensor(stream, 3, keys[^1], groups, size));
        var queryOffsets = run.Own(DeviceTensor.From<int>(stream, queries, queries.Length));
        var keyOffsets = run.Own(DeviceTensor.From<int>(stream, keys, keys.Length));
        var o = run.Output(Data.Empty(stream, queries[^1], heads, size));
        var lse = run.Output(Data.Empty(stream, heads, queries[^1]));
        run.Call = s => Kernels.AttentionRagged(s, options, q, k, v, queryOffsets, keyOffsets, o, lse);
        return run;
    })
    { Tolerance = 2e-6 + size * 1.2e-7, PropagatesNan = true };

    private static KernelCase Backward(string name, AttentionOptions options, long batch, long queries, long keys, long heads, long groups, long size, int[]? lengths = null) => new($"attention_backward {name}", stream =>
    {
        var run = new KernelRun();
        var q = run.Input(Data.Tensor(stream, 1, batch, queries, heads, size));
        var k = run.Input(Data.Tensor(stream, 2, batch, keys, groups, size));
        var v = run.Input(Data.Tensor(stream, 3, batch, keys, groups, size));
        var dOutput = run.Input(Data.Tensor(stream, 4, batch, queries, heads, size));
        var keyLengths = lengths is null ? null : run.Own(DeviceTensor.From<int>(stream, lengths, batch));
        var o = run.Own(Data.Empty(stream, batch, queries, heads, size));
        var lse = run.Own(Data.Empty(stream, batch, heads, queries));
        var dq = run.Output(Data.Empty(stream, batch, queries, heads, size));
        var dk = run.Output(Data.Empty(stream, batch, keys, groups, size));
        var dv = run.Output(Data.Empty(stream, batch, keys, groups, size));
        run.Call = s =>
        {
            Kernels.Attention(s, options, q, k, v, keyLengths, o, lse);
            Kernels.AttentionBackward(s, options, q, k, v, keyLengths, o, lse, dOutput, dq, dk, dv);
        };
        return run;
    })
    // dS is a difference of two sums of `size` terms; dk and dv sum it over queries and the heads of a group.
    { Tolerance = (queries * heads / groups + keys + size) * 2.4e-7, PropagatesNan = true };

    private static KernelCase Linear(string name, long batch, long length, long heads, long groups, long keySize, long valueSize, Decay decay, int chunk) => new($"linear_attention {name}", stream =>
    {
        var run = new KernelRun();
        var options = new LinearAttentionOptions { Scale = 0.25f, Chunk = chunk };
        var q = run.Input(Data.Tensor(stream, 1, batch, length, groups, keySize));
        var k = run.Input(Data.Tensor(stream, 2, batch, length, groups, keySize));
        var v = run.Input(Data.Tensor(stream, 3, batch, length, heads, valueSize));
        long[] shape = decay == Decay.PerHead ? [heads] : [batch, length, heads];
        var logDecay = decay == Decay.None ? null : run.Own(DeviceTensor.From<float>(stream, Data.Floats(shape.Aggregate(1L, (a, b) => a * b), 5, -0.5f, 0), shape));
        var initial = run.Own(Data.Tensor(stream, 6, batch, heads, keySize, valueSize));
        var o = run.Output(Data.Empty(stream, batch, length, heads, valueSize));
        var state = run.Output(Data.Empty(stream, batch, heads, keySize, valueSize));
        run.Call = s =>
        {
            Kernels.Copy(s, initial, state);
            Kernels.LinearAttention(s, options, q, k, v, logDecay, state, o);
        };
        return run;
    })
    // Sums of up to `length` outer products, each read by keySize terms.
    { Tolerance = (length + keySize) * 2.4e-7, PropagatesNan = true, Flops = 4 * batch * length * heads * keySize * valueSize };
}
