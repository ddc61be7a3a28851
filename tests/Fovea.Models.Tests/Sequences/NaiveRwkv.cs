using Fovea.Data;
using Fovea.Models.Sequences.Rwkv;

namespace Fovea.Models.Tests.Sequences;

/// <summary>RWKV token by token in double, from the papers' recurrences: no kernels, no tables, no running maxima.</summary>
internal sealed class NaiveRwkv(RwkvFile file, RwkvVersion version, int heads)
{
    private readonly Dictionary<string, double[]> _tensors = file.Tensors.ToDictionary(
        t => t.Key, t => Array.ConvertAll(file.ReadFloats(t.Key, t.Value.ElementCount), x => (double)x));

    private readonly Dictionary<string, double[]> _state = [];
    private double[] _firstValue = [];

    /// <summary>The logits behind a token.</summary>
    internal double[] Step(int token)
    {
        var width = file.Width;
        var x = Norm(_tensors["emb.weight"][(token * width)..((token + 1) * width)], "blocks.0.ln0", 1, 1e-5);
        for (var i = 0; i < file.Layers; i++)
        {
            string att = $"blocks.{i}.att.", ffn = $"blocks.{i}.ffn.";
            var normed = Norm(x, $"blocks.{i}.ln1", 1, 1e-5);
            x = Add(x, version switch
            {
                RwkvVersion.V4 => Mix4(att, normed),
                RwkvVersion.V7 => Mix7(att, normed, isFirst: i == 0),
                _ => Mix5(att, normed),
            });
            x = Add(x, Feed(ffn, Norm(x, $"blocks.{i}.ln2", 1, 1e-5)));
        }
        return Product("head.weight", Norm(x, "ln_out", 1, 1e-5));
    }

    private double[] Mix4(string p, double[] x)
    {
        var before = Before(p, x);
        double[] k = Product(p + "key.weight", Lean(x, before, p + "time_mix_k")), v = Product(p + "value.weight", Lean(x, before, p + "time_mix_v"));
        var r = Product(p + "receptance.weight", Lean(x, before, p + "time_mix_r"));
        double[] top = State(p + "top", x.Length), bottom = State(p + "bottom", x.Length), decay = _tensors[p + "time_decay"], bonus = _tensors[p + "time_first"];
        var y = new double[x.Length];
        for (var c = 0; c < y.Length; c++)
        {
            var now = Math.Exp(bonus[c] + k[c]);
            y[c] = Sigmoid(r[c]) * (top[c] + now * v[c]) / (bottom[c] + now);
            top[c] = Math.Exp(decay[c]) * top[c] + Math.Exp(k[c]) * v[c];
            bottom[c] = Math.Exp(decay[c]) * bottom[c] + Math.Exp(k[c]);
        }
        return Product(p + "output.weight", y);
    }

    private double[] Mix5(string p, double[] x)
    {
        var before = Before(p, x);
        double[] k = Product(p + "key.weight", Lean(x, before, p + "time_mix_k")), v = Product(p + "value.weight", Lean(x, before, p + "time_mix_v"));
        var r = Product(p + "receptance.weight", Lean(x, before, p + "time_mix_r"));
        var gated = version == RwkvVersion.V52;
        double[] decay = _tensors[p + "time_decay"], bonus = _tensors[p + (gated ? "time_faaaa" : "time_first")], memory = State(p + "memory", x.Length * Size);
        var y = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
            for (var e = 0; e < Size; e++)
            {
                int head = i / Size, of = gated ? i : head, to = head * Size + e;
                ref var s = ref memory[i * Size + e];
                y[to] += r[i] * (s + bonus[of] * k[i] * v[to]);
                s = decay[of] * s + k[i] * v[to];
            }
        y = Norm(y, p + "ln_x", heads, 1e-5);
        if (gated) y = Zip(y, Product(p + "gate.weight", Lean(x, before, p + "time_mix_g")), (a, g) => a * g * Sigmoid(g));
        return Product(p + "output.weight", y);
    }

    private double[] Mix7(string p, double[] x, bool isFirst)
    {
        var before = Before(p, x);
        double[] Row(int i) => Lean(before, x, _tensors[p + "x_rwkvag"][(i * x.Length)..((i + 1) * x.Length)]);
        double[] Narrow(string name, double[] input, Func<double, double> inside) =>
            Product(p + name + "2", Array.ConvertAll(Product(p + name + "1", input), inside.Invoke));
        double[] r = Product(p + "receptance.weight", Row(0)), k = Product(p + "key.weight", Row(2)), v = Product(p + "value.weight", Row(3));
        var decay = Zip(Narrow("w", Row(1), Math.Tanh), _tensors[p + "w0"], (a, b) => Math.Exp(-Math.Exp(-0.5) * Sigmoid(a + b)));
        var rate = Zip(Narrow("a", Row(4), a => a), _tensors[p + "a0"], (a, b) => Sigmoid(a + b));
        var gate = Narrow("g", Row(5), Sigmoid);
        if (isFirst)
        {
            _firstValue = v;
        }
        else
        {
            var share = Zip(Narrow("v", Row(3), a => a), _tensors[p + "v0"], (a, b) => Sigmoid(a + b));
            v = Lean(_firstValue, v, share);
        }
        var direction = Zip(k, _tensors[p + "k_k"], (a, b) => a * b);
        k = Zip(k, Zip(rate, _tensors[p + "k_a"], (a, s) => 1 + (a - 1) * s), (a, b) => a * b);
        double[] memory = State(p + "memory", x.Length * Size), y = new double[x.Length];
        for (var head = 0; head < heads; head++)
        {
            var length = Math.Sqrt(Enumerable.Range(head * Size, Size).Sum(i => direction[i] * direction[i]));
            for (var e = 0; e < Size; e++)
            {
                double removed = 0;
                for (var d = 0; d < Size; d++) removed -= direction[head * Size + d] / length * memory[(head * Size + d) * Size + e];
                for (var d = 0; d < Size; d++)
                {
                    var i = head * Size + d;
                    ref var s = ref memory[i * Size + e];
                    s = decay[i] * s + direction[i] / length * rate[i] * removed + k[i] * v[head * Size + e];
                    y[head * Size + e] += r[i] * s;
                }
            }
        }
        y = Norm(y, p + "ln_x", heads, 64e-5);
        for (var i = 0; i < y.Length; i++)
            y[i] += v[i] * Enumerable.Range(i / Size * Size, Size).Sum(n => r[n] * k[n] * _tensors[p + "r_k"][n]);
        return Product(p + "output.weight", Zip(y, gate, (a, g) => a * g));
    }

    private double[] Feed(string p, double[] x)
    {
        var before = Before(p, x);
        var gated = version != RwkvVersion.V7;
        var inner = gated ? Lean(x, before, p + "time_mix_k") : Lean(before, x, p + "x_k");
        var k = Array.ConvertAll(Product(p + "key.weight", inner), a => a > 0 ? a * a : 0);
        var y = Product(p + "value.weight", k);
        return gated ? Zip(y, Product(p + "receptance.weight", Lean(x, before, p + "time_mix_r")), (a, r) => a * Sigmoid(r)) : y;
    }

    private int Size => file.Width / heads;

    private double[] State(string name, int size)
    {
        if (!_state.TryGetValue(name, out var state)) _state[name] = state = new double[size];
        return state;
    }

    private double[] Before(string p, double[] x)
    {
        var before = State(p + "x", x.Length);
        _state[p + "x"] = x;
        return before;
    }

    private double[] Lean(double[] a, double[] b, string share) => Lean(a, b, _tensors[share]);

    private static double[] Lean(double[] a, double[] b, double[] share) => [.. a.Select((_, i) => a[i] * share[i] + b[i] * (1 - share[i]))];

    private double[] Product(string matrix, double[] x) =>
        [.. _tensors[matrix].Chunk(x.Length).Select(row => row.Zip(x, (a, b) => a * b).Sum())];

    private double[] Norm(double[] x, string name, int groups, double epsilon)
    {
        double[] gamma = _tensors[name + ".weight"], beta = _tensors[name + ".bias"];
        var size = x.Length / groups;
        return [.. x.Select((value, i) =>
        {
            var group = x.AsSpan(i / size * size, size).ToArray();
            double mean = group.Average(), variance = group.Sum(a => (a - mean) * (a - mean)) / size;
            return (value - mean) / Math.Sqrt(variance + epsilon) * gamma[i] + beta[i];
        })];
    }

    private static double[] Add(double[] a, double[] b) => Zip(a, b, (x, y) => x + y);

    private static double[] Zip(double[] a, double[] b, Func<double, double, double> f) => [.. a.Select((x, i) => f(x, b[i]))];

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
