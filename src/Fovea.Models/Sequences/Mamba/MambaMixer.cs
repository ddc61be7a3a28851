using Fovea.Training;

namespace Fovea.Models.Sequences.Mamba;

/// <summary>The mixer of Mamba: gated selective state space behind a short causal convolution (Gu and Dao, 2023, and the names of its
/// authors' code: <c>in_proj, conv1d, x_proj, dt_proj, A_log, D, out_proj</c>). <c>[B, L, width]</c> to the same.</summary>
/// <remarks>h = exp(dt A) h + dt B u; y = C h + D u, times silu(z). A = -exp(A_log); dt = softplus(dt_proj(.)). A_log, D and the bias of
/// dt take no weight decay.</remarks>
public sealed class MambaMixer : SequenceModule
{
    private readonly MambaOptions _options;
    private readonly Parameter _input, _convolution, _convolutionBias, _x, _step, _stepBias, _decay, _skip, _output;

    /// <summary>A mixer with the initial values of the paper.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">Source of the initial values.</param>
    /// <param name="depth">Mixers in the model: the output projection is scaled by 1/sqrt(depth).</param>
    public MambaMixer(DeviceStream stream, string name, MambaOptions options, Random random, int depth = 1)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        _options = options;
        int width = options.Width, inner = options.Inner, states = options.StateSize, rank = options.Rank, taps = options.ConvolutionSize;
        _input = Add("in_proj.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(width), 2 * inner, width));
        _convolution = Add("conv1d.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(taps), inner, taps));
        _convolutionBias = Add("conv1d.bias", Initial.Uniform(stream, random, 1 / Math.Sqrt(taps), inner), decays: false);
        _x = Add("x_proj.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(inner), rank + 2 * states, inner));
        _step = Add("dt_proj.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(rank), inner, rank));
        _stepBias = Add("dt_proj.bias", Initial.Of(stream, [inner], _ => StepBias(random)), decays: false);
        _decay = Add("A_log", Initial.Of(stream, [inner, states], i => Math.Log(i % states + 1)), decays: false);
        _skip = Add("D", Initial.Constant(stream, 1, inner), decays: false);
        _output = Add("out_proj.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt((double)inner * depth), width, inner));
    }

    /// <summary>The bias whose softplus is a step size drawn log-uniformly from [0.001, 0.1], at least 1e-4.</summary>
    internal static double StepBias(Random random) => InverseSoftplus(Math.Max(Math.Exp(Math.Log(0.001) + random.NextDouble() * Math.Log(100)), 1e-4));

    /// <summary>x with softplus(x) = y.</summary>
    internal static double InverseSoftplus(double y) => y + Math.Log(-double.ExpM1(-y));

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        int inner = _options.Inner, states = _options.StateSize, rank = _options.Rank;
        var input = tape.Use(_input);
        var u = x.Linear(input.Rows(0, inner)).CausalConv1D(Activation.Silu, tape.Use(_convolution), tape.Use(_convolutionBias));
        var z = x.Linear(input.Rows(inner, inner));
        var selected = u.Linear(tape.Use(_x));
        var delta = selected.Columns(0, rank).Linear(tape.Use(_step));
        var y = u.SelectiveScan(delta, tape.Use(_decay).Unary(UnaryOp.Exp).Affine(-1), selected.Columns(rank, states),
            selected.Columns(rank + states, states), new SelectiveScanOptions { DeltaSoftplus = true }, tape.Use(_skip), z, tape.Use(_stepBias));
        return y.Linear(tape.Use(_output));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private sealed class Streaming : ILayer
    {
        private readonly int _rank, _states;
        private readonly Projection _u, _z, _x, _step, _output;
        private readonly DeviceTensor _convolution, _convolutionBias, _stepBias, _a, _skip;
        private readonly DeviceTensor _window, _hidden;

        public Streaming(MambaMixer m, SequenceState state)
        {
            var (stream, o) = (state.Stream, m._options);
            (_rank, _states) = (o.Rank, o.StateSize);
            _u = new Projection(stream, m._input.Value.Rows(0, o.Inner));
            _z = new Projection(stream, m._input.Value.Rows(o.Inner, o.Inner));
            _x = new Projection(stream, m._x.Value);
            _step = new Projection(stream, m._step.Value);
            _output = new Projection(stream, m._output.Value);
            _convolution = Projection.Clone(stream, m._convolution.Value);
            _convolutionBias = Projection.Clone(stream, m._convolutionBias.Value);
            _stepBias = Projection.Clone(stream, m._stepBias.Value);
            _skip = Projection.Clone(stream, m._skip.Value);
            _a = Projection.Clone(stream, m._decay.Value);
            Kernels.Unary(stream, UnaryOp.Exp, _a, _a);
            Kernels.Affine(stream, -1, 0, _a, _a);
            _window = state.Add($"{m.Name}.conv", 0, o.ConvolutionSize - 1, o.Inner);
            _hidden = state.Add($"{m.Name}.ssm", 0, o.Inner, o.StateSize);
        }

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            using var raw = _u.Forward(stream, x);
            using var u = Projection.Like(stream, raw, raw.Shape[^1]);
            Kernels.CausalConv1D(stream, Activation.Silu, raw, _convolution, _convolutionBias, _window, u);
            using var z = _z.Forward(stream, x);
            using var selected = _x.Forward(stream, u);
            using var delta = _step.Forward(stream, selected.Columns(0, _rank));
            // The convolution's input is not needed any more: its tensor takes the scan's output.
            Kernels.SelectiveScan(stream, new SelectiveScanOptions { DeltaSoftplus = true }, u, delta, _a, selected.Columns(_rank, _states),
                selected.Columns(_rank + _states, _states), _skip, z, _stepBias, _hidden, raw);
            return _output.Forward(stream, raw);
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_u, _z, _x, _step, _output, _convolution, _convolutionBias, _stepBias, _a, _skip]) owned.Dispose();
        }
    }
}
