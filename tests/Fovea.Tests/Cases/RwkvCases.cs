namespace Fovea.Tests.Cases;

/// <summary>The mixers of RWKV and their gradients.</summary>
public sealed class RwkvCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Wkv("sequence", 2, 37, 45),
        Wkv("step", 3, 1, 64),
        WkvBackward(2, 37, 21),
        Gated("decay per key", 1, 19, 2, 16, 40, Parts.None),
        Gated("RWKV-5", 2, 9, 3, 24, 24, Parts.Bonus),
        Gated("RWKV-7 step", 2, 1, 2, 32, 32, Parts.Delta),
        Gated("bonus and delta rule", 1, 7, 2, 5, 19, Parts.Bonus | Parts.Delta),
        GatedBackward("RWKV-5", 1, 18, 2, 8, 12, Parts.Bonus),
        GatedBackward("RWKV-7", 2, 5, 2, 6, 19, Parts.Delta),
    ];

    [Flags]
    private enum Parts
    {
        None = 0,
        Bonus = 1,
        Delta = 2,
    }

    private static KernelCase Wkv(string name, long batch, long length, long channels) => new($"wkv {name}", stream =>
    {
        var run = new KernelRun();
        var k = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var v = run.Input(Data.Tensor(stream, 2, batch, length, channels));
        var decay = run.Own(Decays(stream, channels));
        var bonus = run.Own(Data.Tensor(stream, 4, channels));
        var initial = run.Own(DeviceTensor.From<float>(stream, Data.Floats(batch * 3 * channels, 5, 0.1f, 1), batch, 3, channels));
        var y = run.Output(Data.Empty(stream, batch, length, channels));
        var state = run.Output(Data.Empty(stream, batch, 3, channels));
        run.Call = s =>
        {
            Kernels.Copy(s, initial, state);
            Kernels.Wkv(s, decay, bonus, k, v, state, y);
        };
        return run;
    })
    // An average whose exponents are sums of up to `length` decays below 2, each rounded.
    { Tolerance = length * 2.4e-7 + 2e-6, PropagatesNan = true, Bytes = 12 * batch * length * channels };

    private static KernelCase WkvBackward(long batch, long length, long channels) => new("wkv_backward", stream =>
    {
        var run = new KernelRun();
        var dy = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var k = run.Own(Data.Tensor(stream, 2, batch, length, channels));
        var v = run.Own(Data.Tensor(stream, 3, batch, length, channels));
        var decay = run.Own(Decays(stream, channels));
        var bonus = run.Own(Data.Tensor(stream, 5, channels));
        // The first gradient is the one that a NaN in the first dy must reach: decays do not act on the first position.
        var dk = run.Output(Data.Empty(stream, batch, length, channels));
        var dv = run.Output(Data.Empty(stream, batch, length, channels));
        var dDecay = run.Output(Data.Empty(stream, channels));
        var dBonus = run.Output(Data.Empty(stream, channels));
        run.Call = s => Kernels.WkvBackward(s, decay, bonus, k, v, dy, dDecay, dBonus, dk, dv);
        return run;
    })
    // As above; the gradients of channels add up batch * length of them.
    { Tolerance = batch * length * 6e-7, PropagatesNan = true };

    private static KernelCase Gated(string name, long batch, long length, long heads, long keys, long values, Parts parts) => new($"gated_linear_attention {name}", stream =>
    {
        var run = new KernelRun();
        var inputs = Inputs(run, stream, batch, length, heads, keys, values, parts);
        run.Input(inputs.Q);
        var initial = run.Own(Data.Tensor(stream, 8, batch, heads, keys, values));
        var o = run.Output(Data.Empty(stream, batch, length, heads, values));
        var state = run.Output(Data.Empty(stream, batch, heads, keys, values));
        run.Call = s =>
        {
            Kernels.Copy(s, initial, state);
            Kernels.GatedLinearAttention(s, inputs, state, o);
        };
        return run;
    })
    // A decaying sum of outer products, read by `keys` terms.
    { Tolerance = (length + keys) * 4.8e-7, PropagatesNan = true, Flops = 4 * batch * length * heads * keys * values };

    private static KernelCase GatedBackward(string name, long batch, long length, long heads, long keys, long values, Parts parts) => new($"gated_linear_attention_backward {name}", stream =>
    {
        var run = new KernelRun();
        var dOutput = run.Input(Data.Tensor(stream, 9, batch, length, heads, values));
        var inputs = Inputs(run, stream, batch, length, heads, keys, values, parts);
        run.Own(inputs.Q);
        DeviceTensor Like(DeviceTensor t) => run.Output(Data.Empty(stream, t.Shape));
        var gradients = new GatedLinearAttentionGradients
        {
            Q = Like(inputs.Q),
            K = Like(inputs.K),
            V = Like(inputs.V),
            LogDecay = Like(inputs.LogDecay!),
            Bonus = inputs.Bonus is { } bonus ? Like(bonus) : null,
            Removal = inputs.Removal is { } removal ? Like(removal) : null,
            Replacement = inputs.Replacement is { } replacement ? Like(replacement) : null,
        };
        run.Call = s => Kernels.GatedLinearAttentionBackward(s, inputs, dOutput, gradients);
        return run;
    })
    // Sums over up to `length` positions of products of keys or values terms; those of heads add up all of them.
    { Tolerance = (batch * length * values + keys) * 3e-7, PropagatesNan = true };

    // The caller decides what becomes of q.
    private static GatedLinearAttentionInputs Inputs(KernelRun run, DeviceStream stream, long batch, long length, long heads, long keys, long values, Parts parts)
    {
        long[] shape = parts.HasFlag(Parts.Bonus) ? [heads, keys] : [batch, length, heads, keys];
        var part = 1 / MathF.Sqrt(keys);
        DeviceTensor? Rewrite(uint seed) => !parts.HasFlag(Parts.Delta) ? null
            : run.Own(DeviceTensor.From<float>(stream, Data.Floats(batch * length * heads * keys, seed, -part, part), batch, length, heads, keys));
        return new GatedLinearAttentionInputs
        {
            Q = Data.Tensor(stream, 1, batch, length, heads, keys),
            K = run.Own(Data.Tensor(stream, 2, batch, length, heads, keys)),
            V = run.Own(Data.Tensor(stream, 3, batch, length, heads, values)),
            LogDecay = run.Own(DeviceTensor.From<float>(stream, Data.Floats(shape.Aggregate(1L, (a, b) => a * b), 4, -1, -0.1f), shape)),
            Bonus = parts.HasFlag(Parts.Bonus) ? run.Own(Data.Tensor(stream, 5, heads, keys)) : null,
            Removal = Rewrite(6),
            Replacement = Rewrite(7),
        };
    }

    private static DeviceTensor Decays(DeviceStream stream, long channels) =>
        DeviceTensor.From<float>(stream, Data.Floats(channels, 3, -2, -0.02f), channels);
}
