namespace Fovea.Tests.Cases;

public sealed class AttentionCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Case("13x19, 2 heads", new AttentionOptions(), 2, 13, 19, 2, 2, 40),
        Case("causal, grouped", new AttentionOptions { Causal = true }, 1, 150, 150, 4, 2, 16),
        Case("window, softcap", new AttentionOptions { Causal = true, Window = 9, SoftCap = 4, SoftmaxScale = 0.4f }, 1, 33, 47, 2, 1, 24),
        Case("decode", new AttentionOptions { Causal = true }, 2, 1, 700, 8, 2, 64),
        Case("decode, lengths", new AttentionOptions(), 3, 1, 90, 4, 1, 32, [0, 90, 41]),
        Case("lengths", new AttentionOptions { Causal = true }, 3, 7, 20, 2, 1, 80, [20, 3, 11]),
        Case("no keys", new AttentionOptions(), 1, 4, 0, 2, 1, 8),
        Case("no queries", new AttentionOptions(), 1, 0, 4, 2, 1, 8),
    ];

    private static KernelCase Case(string name, AttentionOptions options, long batch, long queries, long keys, long heads, long groups,
        long headSize, int[]? lengths = null) => new($"attention {name}", stream =>
    {
        var run = new KernelRun();
        var q = run.Input(Data.Tensor(stream, 1, batch, queries, heads, headSize));
        var k = run.Input(Data.Tensor(stream, 2, batch, keys, groups, headSize));
        var v = run.Input(Data.Tensor(stream, 3, batch, keys, groups, headSize));
        var keyLengths = lengths is null ? null : run.Own(DeviceTensor.From<int>(stream, lengths, batch));
        var o = run.Output(Data.Empty(stream, batch, queries, heads, headSize));
        var lse = run.Output(Data.Empty(stream, batch, heads, queries));
        run.Call = s => Kernels.Attention(s, options, q, k, v, keyLengths, o, lse);
        return run;
    })
        {
            // Rounding of scores of headSize terms, twice in a mean of values below 1; see the native test.
            Tolerance = 2e-6 + headSize * 1.2e-7,
            PropagatesNan = queries > 0 && keys > 0 && lengths?[0] != 0,
            Bytes = 4 * batch * headSize * (2 * queries * heads + 2 * keys * groups),
            Flops = 4 * batch * heads * queries * keys * headSize / (options.Causal && queries > 1 ? 2 : 1),
        };
}
