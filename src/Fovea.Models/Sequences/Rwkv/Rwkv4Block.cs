using Fovea.Training;

namespace Fovea.Models.Sequences.Rwkv;

/// <summary>A block of RWKV-4 for training (Peng et al., "RWKV: Reinventing RNNs for the Transformer Era", 2023): x + time mix of its norm,
/// then + channel mix of the norm of that. <c>[B, L, width]</c> to the same. Parameters are named as in the authors' checkpoints; the
/// first block also normalises its input, which is the embedding.</summary>
/// <remarks>Initial values are those of the authors' code (RWKV-LM, v4neo): decays, bonuses and shares by channel and depth; zeros for
/// key, receptance and output of the time mix and for value and receptance of the channel mix, so that a new block is the identity; the
/// other two matrices normal with the deviation 1/sqrt(width), which is that of the authors' orthogonal ones.</remarks>
public sealed class Rwkv4Block : SequenceModule
{
    private static readonly LayerNormOptions Norm = new() { Epsilon = 1e-5f };

    private readonly RwkvOptions _options;
    private readonly Dictionary<string, Parameter> _parameters = new(StringComparer.Ordinal);
    private readonly bool _isFirst;

    /// <summary>A block with the initial values of its depth.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model, "blocks.0".</param>
    /// <param name="options">The model's shape; version 4.</param>
    /// <param name="layer">Which block of the model this is, from 0.</param>
    /// <param name="random">Source of the initial values.</param>
    public Rwkv4Block(DeviceStream stream, string name, RwkvOptions options, int layer, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        if (options.Version != RwkvVersion.V4) throw new ArgumentException($"the block is of version 4, the options are of {options.Version}", nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, options.Layers);
        (_options, _isFirst) = (options, layer == 0);
        int width = options.Width, hidden = options.Hidden;
        foreach (var norm in _isFirst ? (string[])["ln0", "ln1", "ln2"] : ["ln1", "ln2"])
        {
            Vector($"{norm}.weight", _ => 1);
            Vector($"{norm}.bias", _ => 0);
        }
        // Depth from 0 to 1 and its complement; a model of one block counts as the first of many.
        double depth = options.Layers > 1 ? (double)layer / (options.Layers - 1) : 0, rest = 1 - (double)layer / options.Layers;
        double Share(int c, double power) => Math.Pow((double)c / width, power);
        Vector("att.time_decay", c => -5 + 8 * Math.Pow((double)c / Math.Max(1, width - 1), 0.7 + 1.3 * depth));
        Vector("att.time_first", c => Math.Log(0.3) + 0.5 * ((c + 1) % 3 - 1));
        Vector("att.time_mix_k", c => Share(c, rest));
        Vector("att.time_mix_v", c => Share(c, rest) + 0.3 * depth);
        Vector("att.time_mix_r", c => Share(c, 0.5 * rest));
        Vector("ffn.time_mix_k", c => Share(c, rest));
        Vector("ffn.time_mix_r", c => Share(c, rest));
        foreach (var matrix in (string[])["att.key", "att.receptance", "att.output", "ffn.receptance"])
            Matrix($"{matrix}.weight", Initial.Constant(stream, 0, width, width));
        Matrix("ffn.value.weight", Initial.Constant(stream, 0, width, hidden));
        Matrix("att.value.weight", Initial.Normal(stream, random, 1 / Math.Sqrt(width), width, width));
        Matrix("ffn.key.weight", Initial.Normal(stream, random, 1 / Math.Sqrt(width), hidden, width));

        void Vector(string key, Func<int, double> value) => _parameters[key] = Add(key, Initial.Of(stream, [width], value), decays: false);
        void Matrix(string key, DeviceTensor value) => _parameters[key] = Add(key, value);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        if (_isFirst) x = Normalised(x, "ln0");

        var inner = Normalised(x, "ln1");
        var k = Shifted(inner, "att.time_mix_k").Linear(Use("att.key.weight"));
        var v = Shifted(inner, "att.time_mix_v").Linear(Use("att.value.weight"));
        var r = Shifted(inner, "att.time_mix_r").Linear(Use("att.receptance.weight")).Activate(Activation.Sigmoid);
        var average = k.Wkv(v, Use("att.time_decay").Unary(UnaryOp.Exp).Affine(-1), Use("att.time_first"));
        x = x.Add(r.Multiply(average).Linear(Use("att.output.weight")));

        inner = Normalised(x, "ln2");
        var key = Shifted(inner, "ffn.time_mix_k").Linear(Use("ffn.key.weight")).Activate(Activation.Relu);
        var gate = Shifted(inner, "ffn.time_mix_r").Linear(Use("ffn.receptance.weight")).Activate(Activation.Sigmoid);
        return x.Add(gate.Multiply(key.Multiply(key).Linear(Use("ffn.value.weight"))));

        Value Use(string name) => tape.Use(_parameters[name]);
        Value Normalised(Value value, string name) => value.LayerNorm(Norm, Use($"{name}.weight"), Use($"{name}.bias"));
        // x * share + the position before * (1 - share): a convolution with two taps per channel.
        Value Shifted(Value value, string name)
        {
            var share = Use(name).Reshape(_options.Width, 1);
            return value.CausalConv1D(Activation.None, share.Affine(-1, 1).Concat(share));
        }
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    // The same layers as those of a loaded model.
    private sealed class Streaming : ILayer
    {
        private readonly List<IDisposable> _owned = [];
        private readonly RwkvNorm? _first;
        private readonly (RwkvNorm Norm, RwkvMix Mix, DeviceTensor[] State)[] _halves;

        public Streaming(Rwkv4Block block, SequenceState state)
        {
            float[] Read(string name, long count)
            {
                var values = block._parameters[name[(block.Name.Length + 1)..]].Value.ToArray<float>(state.Stream);
                return name.EndsWith("time_decay", StringComparison.Ordinal) ? Array.ConvertAll(values, x => -MathF.Exp(x)) : values;
            }
            var weights = new RwkvWeights(state.Stream, block._options, Read, _owned).Below(block.Name);
            if (block._isFirst) _first = new RwkvNorm(weights, "ln0");
            RwkvMix time = new Rwkv4TimeMix(weights.Below("att")), channel = new RwkvChannelMix(weights.Below("ffn"));
            _halves = [(new RwkvNorm(weights, "ln1"), time, time.AddState(state)), (new RwkvNorm(weights, "ln2"), channel, channel.AddState(state))];
        }

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            var y = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
            if (_first is null) Kernels.Copy(stream, x, y);
            else _first.Forward(stream, null, x, y);
            var rows = y.Reshape(-1, x.Shape[^1]);
            using var normed = DeviceTensor.Allocate(stream, DType.Float32, rows.Shape);
            DeviceTensor? shared = null;
            foreach (var (norm, mix, state) in _halves)
            {
                norm.Forward(stream, null, rows, normed);
                using var delta = mix.Forward(stream, normed, state, ref shared);
                Kernels.Binary(stream, BinaryOp.Add, rows, delta, rows);
            }
            return y;
        }

        public void Dispose()
        {
            foreach (var part in _owned) part.Dispose();
        }
    }
}
