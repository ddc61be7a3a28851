namespace Fovea.Training.Tests.Checkpointing;

/// <summary>A model small enough to run under every plan: what it computes is recorded by <see cref="Build"/>, block by block.</summary>
internal sealed class SmallModel(DeviceStream stream) : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public static IReadOnlyDictionary<string, Func<SmallModel, Func<Value, Value>[]>> Kinds { get; } = new Dictionary<string, Func<SmallModel, Func<Value, Value>[]>>
    {
        ["mlp"] = m => m.Mlp(),
        ["convolutions with group norm"] = m => m.Convolutions(batchNorm: false),
        ["convolutions with batch norm"] = m => m.Convolutions(batchNorm: true),
        ["transformer with dropout"] = m => m.Transformer(),
        ["mamba"] = m => m.Mamba(),
        ["shared weights"] = m => m.Shared(),
    };

    public DeviceStream Stream => stream;

    public List<Parameter> Parameters { get; } = [];

    public List<DeviceTensor> Buffers { get; } = [];

    public Tape Tape { get; } = new();

    public Value Loss { get; private set; }

    /// <summary>Records the blocks; <paramref name="wrap"/> says how (marked as segments or not).</summary>
    public SmallModel Build(string kind, Action<SmallModel, Value, Func<Value, Value>[]>? wrap = null)
    {
        var blocks = Kinds[kind](this);
        var x = Tape.Input(Keep(Tensors.Random(stream, 4242, InputShape(kind))));
        if (wrap is null)
        {
            foreach (var block in blocks) x = block(x);
            Finish(x);
        }
        else
        {
            wrap(this, x, blocks);
        }
        return this;
    }

    public void Finish(Value y) =>
        Loss = y.Reshape(1, y.Spec.ElementCount).Linear(Tape.Input(Keep(Tensors.Random(stream, 77, 1, y.Spec.ElementCount)))).Reshape();

    /// <summary>Loss, gradients and buffers after a run from the same state.</summary>
    public float[][] Run(TapeProgram program)
    {
        foreach (var parameter in Parameters) parameter.ClearGradient();
        foreach (var buffer in Buffers) buffer.Fill(stream, 0);
        program.SetRandomState(5, 0);
        program.Run();
        return Read(program);
    }

    /// <summary>What the last run left.</summary>
    public float[][] Read(TapeProgram program) =>
        [
            [program.ReadLoss()],
            .. Parameters.Select(p => p.Gradient.ToArray<float>(stream)),
            .. Buffers.Select(b => b.ToArray<float>(stream)),
        ];

    public void Dispose()
    {
        foreach (var item in _owned) item.Dispose();
        foreach (var parameter in Parameters) parameter.Dispose();
        foreach (var buffer in Buffers) buffer.Dispose();
    }

    private static long[] InputShape(string kind) => kind switch
    {
        "mlp" or "shared weights" => [6, 16],
        "transformer with dropout" or "mamba" => [2, 7, 16],
        _ => [2, 6, 6, 4],
    };

    private Func<Value, Value>[] Mlp() =>
        Repeat(5, i => { var (w, b) = (P(16, 16), P(16)); return x => x.Linear(w(), b()).Activate(Activation.Gelu); });

    private Func<Value, Value>[] Convolutions(bool batchNorm) => Repeat(4, i =>
    {
        var (w, gamma, beta) = (P(4, 3, 3, 4), P(4), P(4));
        var options = new Conv2DOptions(4, 4, 3) { Padding = 1 };
        if (!batchNorm) return x => x.Conv2D(options, w()).GroupNorm(new GroupNormOptions(2), gamma(), beta()).Activate(Activation.Relu).Add(x);
        var (mean, variance) = (B(4), B(4));
        return x => x.Conv2D(options, w()).BatchNorm(new BatchNormOptions(), mean, variance, gamma(), beta()).Activate(Activation.Relu).Add(x);
    });

    private Func<Value, Value>[] Transformer() => Repeat(3, i =>
    {
        var (g1, g2, qkv, o, up, down) = (P(16), P(16), P(48, 16), P(16, 16), P(32, 16), P(16, 32));
        return x =>
        {
            var h = x.LayerNorm(new LayerNormOptions(), g1()).Linear(qkv());
            Value Heads(int part) => h.Columns(16 * part, 16).Concat().Reshape(2, 7, 2, 8);
            var a = Heads(0).Attention(Heads(1), Heads(2), new AttentionOptions { Causal = true }).Reshape(2, 7, 16);
            x = x.Add(a.Linear(o()).Dropout(0.2f));
            return x.Add(x.LayerNorm(new LayerNormOptions(), g2()).Linear(up()).Activate(Activation.Gelu).Dropout(0.1f).Linear(down()));
        };
    });

    private Func<Value, Value>[] Mamba() => Repeat(3, i =>
    {
        var (norm, enter, conv, bias, select, step, a, skip, stepBias, leave) =
            (P(16), P(64, 16), P(32, 4), P(32), P(2 + 8, 32), P(32, 2), P(32, 4), P(32), P(32), P(16, 32));
        return x =>
        {
            var h = x.LayerNorm(new LayerNormOptions { Rms = true }, norm()).Linear(enter());
            var u = h.Columns(0, 32).Concat().CausalConv1D(Activation.Silu, conv(), bias());
            var selected = u.Linear(select());
            var delta = selected.Columns(0, 2).Concat().Linear(step());
            var y = u.SelectiveScan(delta, a().Unary(UnaryOp.Exp).Affine(-1), selected.Columns(2, 4).Concat(), selected.Columns(6, 4).Concat(),
                new SelectiveScanOptions { DeltaSoftplus = true }, skip(), h.Columns(32, 32).Concat(), stepBias());
            return x.Add(y.Linear(leave()));
        };
    });

    private Func<Value, Value>[] Shared()
    {
        var (w, b) = (P(16, 16), P(16));
        return Repeat(5, _ => x => x.Linear(w(), b()).Activate(Activation.Tanh));
    }

    private static Func<Value, Value>[] Repeat(int count, Func<int, Func<Value, Value>> block) => [.. Enumerable.Range(0, count).Select(block)];

    // A parameter, and how the tape uses it.
    private Func<Value> P(params long[] shape)
    {
        var parameter = new Parameter($"p{Parameters.Count}", Tensors.Random(stream, Parameters.Count, shape));
        Parameters.Add(parameter);
        return () => Tape.Use(parameter);
    }

    private DeviceTensor B(params long[] shape)
    {
        Buffers.Add(DeviceTensor.Allocate(stream, DType.Float32, shape));
        return Buffers[^1];
    }

    private DeviceTensor Keep(DeviceTensor tensor)
    {
        _owned.Add(tensor);
        return tensor;
    }
}
