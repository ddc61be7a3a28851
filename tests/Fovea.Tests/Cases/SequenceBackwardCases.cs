namespace Fovea.Tests.Cases;

public sealed class SequenceBackwardCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Conv("K 4 silu", Activation.Silu, 2, 67, 37, 4, all: true),
        Conv("K 3 bare", Activation.None, 1, 20, 16, 3, all: false),
        Conv("step", Activation.Silu, 1, 1, 48, 4, all: true),
        Conv("K 16", Activation.None, 2, 9, 5, 16, all: true),
        .. from cell in Enum.GetValues<RecurrentCell>() select Recurrent($"{cell}", new RecurrentOptions { Cell = cell, InputSize = 19, HiddenSize = 33 }, 3, 7, all: true),
        Recurrent("Lstm reverse, bare", new RecurrentOptions { Cell = RecurrentCell.Lstm, InputSize = 16, HiddenSize = 16, Reverse = true }, 1, 12, all: false),
        Recurrent("Gru step", new RecurrentOptions { Cell = RecurrentCell.Gru, InputSize = 40, HiddenSize = 48 }, 1, 1, all: true),
        Linear("no decay", 1, 70, 2, 2, 16, 32, decayRank: 0),
        Linear("retention, grouped", 2, 67, 4, 2, 24, 19, decayRank: 1),
        Linear("decay per position", 1, 130, 3, 1, 16, 40, decayRank: 3),
    ];

    private static KernelCase Conv(string name, Activation activation, long batch, long length, long channels, long kernel, bool all) => new($"causal_conv1d_backward {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Own(Data.Tensor(stream, 1, batch, length, channels));
        var dy = run.Input(Data.Tensor(stream, 2, batch, length, channels));
        var weights = run.Own(Data.Tensor(stream, 3, channels, kernel));
        var bias = all ? run.Own(Data.Tensor(stream, 4, channels)) : null;
        var state = all ? run.Own(Data.Tensor(stream, 5, batch, kernel - 1, channels)) : null;
        var dFinal = all ? run.Own(Data.Tensor(stream, 6, batch, kernel - 1, channels)) : null;
        var dx = run.Output(Data.Empty(stream, batch, length, channels));
        var dWeights = run.Output(Data.Empty(stream, channels, kernel));
        var dBias = all ? run.Output(Data.Empty(stream, channels)) : null;
        var dState = all ? run.Output(Data.Empty(stream, batch, kernel - 1, channels)) : null;
        run.Call = s => Kernels.CausalConv1DBackward(s, activation, x, weights, bias, state, dy, dFinal, dx, dWeights, dBias, dState);
        return run;
    })
    // dx sums `kernel` products, the parameters batch * length.
    { Tolerance = (kernel + batch * length) * 3e-7, PropagatesNan = true, Bytes = 12L * batch * length * channels, Flops = 6L * batch * length * channels * kernel };

    // y comes from the forward kernel, which every run of the case uses alike.
    private static KernelCase Recurrent(string name, RecurrentOptions options, long batch, long length, bool all) => new($"recurrent_backward {name}", stream =>
    {
        var run = new KernelRun();
        bool lstm = options.Cell == RecurrentCell.Lstm;
        int gates = lstm ? 4 : options.Cell is RecurrentCell.Gru or RecurrentCell.GruResetBefore ? 3 : 1;
        long hidden = options.HiddenSize, rows = gates * hidden;
        float range = 1 / MathF.Sqrt(hidden);
        var dy = run.Input(Data.Tensor(stream, 1, batch, length, hidden));
        var x = run.Own(Data.Tensor(stream, 2, batch, length, options.InputSize));
        var weights = run.Own(DeviceTensor.From<float>(stream, Data.Floats(rows * options.InputSize, 3, -range, range), rows, options.InputSize));
        var recurrent = run.Own(DeviceTensor.From<float>(stream, Data.Floats(rows * hidden, 4, -range, range), rows, hidden));
        var bias = all ? run.Own(Data.Tensor(stream, 5, rows)) : null;
        var lengths = all ? run.Own(DeviceTensor.From<int>(stream, [.. Enumerable.Range(0, (int)batch).Select(b => (int)length - 2 * b)], batch)) : null;
        DeviceTensor? State(uint seed, bool wanted) => wanted ? run.Own(Data.Tensor(stream, seed, batch, hidden)) : null;
        var y = run.Own(Data.Empty(stream, batch, length, hidden));
        using (var prepared = Kernels.PrepareRecurrent(stream, options, weights, recurrent, bias, bias))
            Kernels.Recurrent(stream, options, x, prepared, lengths, null, null, y);
        var inputs = new RecurrentInputs
        {
            X = x,
            Weights = weights,
            Recurrent = recurrent,
            Bias = bias,
            RecurrentBias = bias,
            Lengths = lengths,
            InitialC = State(6, all && lstm),
            Y = y,
            Dy = dy,
            DFinalH = State(7, all),
            DFinalC = State(8, all && lstm),
        };
        DeviceTensor? Result(bool wanted, params long[] shape) => wanted ? run.Output(Data.Empty(stream, shape)) : null;
        var gradients = new RecurrentGradients
        {
            X = Result(true, batch, length, options.InputSize),
            Weights = Result(true, rows, options.InputSize),
            Recurrent = Result(true, rows, hidden),
            Bias = Result(all, rows),
            RecurrentBias = Result(all, rows),
            InitialC = Result(all && lstm, batch, hidden),
        };
        run.Call = s => Kernels.RecurrentBackward(s, options, inputs, gradients);
        return run;
    })
    // Gates are contractions of sums of input + hidden terms; gradients of parameters sum over batch * length of them.
    { Tolerance = (4 * options.HiddenSize + batch * length) * 3e-7 + 1e-5, PropagatesNan = true };

    private static KernelCase Linear(string name, long batch, long length, long heads, long groups, long keySize, long valueSize, int decayRank) => new($"linear_attention_backward {name}", stream =>
    {
        var run = new KernelRun();
        var options = new LinearAttentionOptions { Scale = 0.25f };
        var dOutput = run.Input(Data.Tensor(stream, 1, batch, length, heads, valueSize));
        var q = run.Own(Data.Tensor(stream, 2, batch, length, groups, keySize));
        var k = run.Own(Data.Tensor(stream, 3, batch, length, groups, keySize));
        var v = run.Own(Data.Tensor(stream, 4, batch, length, heads, valueSize));
        long[] shape = decayRank == 1 ? [heads] : [batch, length, heads];
        var logDecay = decayRank == 0 ? null : run.Own(DeviceTensor.From<float>(stream, Data.Floats(shape.Aggregate(1L, (a, b) => a * b), 5, -0.5f, 0), shape));
        var initial = run.Own(Data.Tensor(stream, 6, batch, heads, keySize, valueSize));
        var final = run.Own(Data.Tensor(stream, 7, batch, heads, keySize, valueSize));
        var gradients = new LinearAttentionGradients
        {
            Q = run.Output(Data.Empty(stream, batch, length, groups, keySize)),
            K = run.Output(Data.Empty(stream, batch, length, groups, keySize)),
            V = run.Output(Data.Empty(stream, batch, length, heads, valueSize)),
            LogDecay = decayRank == 0 ? null : run.Output(Data.Empty(stream, shape)),
            InitialState = run.Output(Data.Empty(stream, batch, heads, keySize, valueSize)),
        };
        run.Call = s => Kernels.LinearAttentionBackward(s, options, q, k, v, logDecay, initial, dOutput, final, gradients);
        return run;
    })
    // Sums over up to `length` positions of products of keySize or valueSize terms; a constant decay's adds up all of them.
    { Tolerance = (length + keySize + valueSize) * (decayRank == 1 ? batch * 8 : 1) * 3e-7, PropagatesNan = true, Flops = 20 * batch * length * heads * keySize * valueSize };
}
