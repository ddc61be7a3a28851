using Fovea.Training;

namespace Fovea.Models.Sequences.Mamba;

/// <summary>The mixer of Mamba-2: a state space with one decay per head, in its dual form a masked attention without softmax (Dao and
/// Gu, "Transformers are SSMs", 2024). <c>[B, L, width]</c> to the same. Rows of <c>in_proj</c>: z, x, B, C, dt; the convolution covers x,
/// B and C.</summary>
/// <remarks>S = exp(dt A) S + B (dt x)^T; y = C S + D x; rms_norm(y * silu(z)). A = -exp(A_log), one number per head.</remarks>
public sealed class Mamba2Mixer : SequenceModule
{
    private static readonly LayerNormOptions Norm = new() { Rms = true };

    private readonly Mamba2Options _options;
    private readonly Parameter _input, _convolution, _convolutionBias, _stepBias, _decay, _skip, _norm, _output;

    /// <summary>A mixer with the initial values of the paper.</summary>
    /// <inheritdoc cref="MambaMixer(DeviceStream, string, MambaOptions, Random, int)"/>
    public Mamba2Mixer(DeviceStream stream, string name, Mamba2Options options, Random random, int depth = 1)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        options.Validate();
        _options = options;
        int width = options.Width, inner = options.Inner, heads = options.Heads, taps = options.ConvolutionSize;
        int convolved = inner + 2 * options.Groups * options.StateSize;
        _input = Add("in_proj.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(width), inner + convolved + heads, width));
        _convolution = Add("conv1d.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(taps), convolved, taps));
        _convolutionBias = Add("conv1d.bias", Initial.Uniform(stream, random, 1 / Math.Sqrt(taps), convolved), decays: false);
        _stepBias = Add("dt_bias", Initial.Of(stream, [heads], _ => MambaMixer.StepBias(random)), decays: false);
        _decay = Add("A_log", Initial.Of(stream, [heads], _ => Math.Log(1 + 15 * random.NextDouble())), decays: false);
        _skip = Add("D", Initial.Constant(stream, 1, heads), decays: false);
        _norm = Add("norm.weight", Initial.Constant(stream, 1, inner), decays: false);
        _output = Add("out_proj.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt((double)inner * depth), width, inner));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var (tape, o) = (x.Tape, _options);
        var (batch, length, shared) = (x.Shape[0], x.Shape[1], o.Groups * o.StateSize);
        var weight = tape.Use(_input);
        var (z, values) = (x.Linear(weight.Rows(0, o.Inner)), Convolved(0, o.Inner).Reshape(batch, length, o.Heads, o.HeadSize));
        var b = Convolved(o.Inner, shared).Reshape(batch, length, o.Groups, o.StateSize);
        var c = Convolved(o.Inner + shared, shared).Reshape(batch, length, o.Groups, o.StateSize);
        var step = x.Linear(weight.Rows(2 * o.Inner + 2 * shared, o.Heads), tape.Use(_stepBias)).Activate(Activation.Softplus);
        var decay = step.Multiply(tape.Use(_decay).Unary(UnaryOp.Exp).Affine(-1));
        var mixed = c.LinearAttention(b, values.Multiply(step.Reshape(batch, length, o.Heads, 1)), new LinearAttentionOptions { Chunk = o.Chunk }, decay);
        var y = mixed.Add(values.Multiply(tape.Use(_skip).Reshape(o.Heads, 1))).Reshape(batch, length, o.Inner);
        return y.Multiply(z.Activate(Activation.Silu)).LayerNorm(Norm, tape.Use(_norm)).Linear(tape.Use(_output));

        // Rows [start, start + count) of what the convolution covers.
        Value Convolved(int start, int count) => x.Linear(weight.Rows(o.Inner + start, count))
            .CausalConv1D(Activation.Silu, tape.Use(_convolution).Rows(start, count), tape.Use(_convolutionBias).Rows(start, count));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private sealed class Streaming : ILayer
    {
        private readonly Mamba2Options _options;
        private readonly Projection _z, _step, _output;
        private readonly ConvolvedPart _x, _b, _c;
        private readonly DeviceTensor _a, _skip, _norm, _state;

        public Streaming(Mamba2Mixer m, SequenceState state)
        {
            _options = m._options;
            var (stream, o, weight) = (state.Stream, m._options, m._input.Value);
            var shared = o.Groups * o.StateSize;
            _z = new Projection(stream, weight.Rows(0, o.Inner));
            _x = new ConvolvedPart(m, state, "x", 0, o.Inner);
            _b = new ConvolvedPart(m, state, "B", o.Inner, shared);
            _c = new ConvolvedPart(m, state, "C", o.Inner + shared, shared);
            _step = new Projection(stream, weight.Rows(2 * o.Inner + 2 * shared, o.Heads), m._stepBias.Value, Activation.Softplus);
            _output = new Projection(stream, m._output.Value);
            _a = Projection.Clone(stream, m._decay.Value);
            Kernels.Unary(stream, UnaryOp.Exp, _a, _a);
            Kernels.Affine(stream, -1, 0, _a, _a);
            _skip = Projection.Clone(stream, m._skip.Value);
            _norm = Projection.Clone(stream, m._norm.Value);
            _state = state.Add($"{m.Name}.ssm", 0, o.Heads, o.StateSize, o.HeadSize);
        }

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            var o = _options;
            var (batch, length) = (x.Shape[0], x.Shape[1]);
            using var z = _z.Forward(stream, x);
            using var values = _x.Forward(stream, x);
            using var b = _b.Forward(stream, x);
            using var c = _c.Forward(stream, x);
            using var step = _step.Forward(stream, x);
            using var decay = Projection.Like(stream, step, o.Heads);
            using var scaled = Projection.Like(stream, x, o.Inner);
            using var mixed = Projection.Like(stream, x, o.Inner);
            var heads = values.Reshape(batch, length, o.Heads, o.HeadSize);
            var (wide, y) = (scaled.Reshape(batch, length, o.Heads, o.HeadSize), mixed.Reshape(batch, length, o.Heads, o.HeadSize));
            Kernels.Binary(stream, BinaryOp.Mul, step, _a, decay);
            Kernels.Binary(stream, BinaryOp.Mul, heads, step.Reshape(batch, length, o.Heads, 1), wide);
            Kernels.LinearAttention(stream, new LinearAttentionOptions { Chunk = o.Chunk }, c.Reshape(batch, length, o.Groups, o.StateSize),
                b.Reshape(batch, length, o.Groups, o.StateSize), wide, decay, _state, y);
            Kernels.Binary(stream, BinaryOp.Mul, heads, _skip.Reshape(o.Heads, 1), wide);
            Kernels.Binary(stream, BinaryOp.Add, y, wide, y);
            Kernels.Activate(stream, Activation.Silu, z, slope: null, z);
            Kernels.Binary(stream, BinaryOp.Mul, mixed, z, mixed);
            Kernels.LayerNorm(stream, Norm, mixed, residual: null, _norm, beta: null, sum: null, mixed);
            return _output.Forward(stream, mixed);
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_z, _x, _b, _c, _step, _output, _a, _skip, _norm]) owned.Dispose();
        }
    }

    /// <summary>A range of the input projection and of the convolution behind it.</summary>
    private sealed class ConvolvedPart(Mamba2Mixer m, SequenceState state, string part, int start, int count) : ILayer
    {
        private readonly Projection _input = new(state.Stream, m._input.Value.Rows(m._options.Inner + start, count));
        private readonly DeviceTensor _weights = Projection.Clone(state.Stream, m._convolution.Value.Rows(start, count));
        private readonly DeviceTensor _bias = Projection.Clone(state.Stream, m._convolutionBias.Value.Rows(start, count));
        private readonly DeviceTensor _window = state.Add($"{m.Name}.conv.{part}", 0, m._options.ConvolutionSize - 1, count);

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            using var raw = _input.Forward(stream, x);
            var y = Projection.Like(stream, raw, raw.Shape[^1]);
            Kernels.CausalConv1D(stream, Activation.Silu, raw, _weights, _bias, _window, y);
            return y;
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_input, _weights, _bias]) owned.Dispose();
        }
    }
}
