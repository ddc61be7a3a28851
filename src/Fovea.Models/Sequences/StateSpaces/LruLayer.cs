using Fovea.Training;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>The linear recurrent unit: h = lambda h + exp(gamma) B u, y = Re(C h) + D u, lambda diagonal and inside the unit circle for
/// every value of its parameters. <c>[B, L, width]</c> to the same.</summary>
/// <remarks>Names are those of the paper's code: <c>nu_log, theta_log, gamma_log, B, C, D</c>. B <c>[states, 2, width]</c> holds real
/// and imaginary rows in turn, C <c>[width, states, 2]</c> the real part and the negative imaginary part, so that both are plain matrices
/// of products. nu_log, theta_log, gamma_log and D take no weight decay.</remarks>
public sealed class LruLayer : SequenceModule
{
    private static readonly DiagonalScanOptions ComplexScan = new() { Complex = true };

    private readonly LruOptions _options;
    private readonly Parameter _nu, _theta, _gamma, _input, _output, _skip;

    /// <summary>A layer with the initial values of the paper.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">Source of the initial values.</param>
    public LruLayer(DeviceStream stream, string name, LruOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        _options = options;
        int width = options.Width, states = options.StateSize;
        // A draw of exactly 0 would be an eigenvalue 0, whose logarithms are infinite.
        var drawn = new (double Nu, double Theta, double Gamma)[states];
        for (var n = 0; n < states; n++) drawn[n] = options.Eigenvalue(Math.Max(random.NextDouble(), 1e-6), 1 - random.NextDouble());
        _nu = Add("nu_log", Initial.Of(stream, [states], n => drawn[n].Nu), decays: false);
        _theta = Add("theta_log", Initial.Of(stream, [states], n => drawn[n].Theta), decays: false);
        _gamma = Add("gamma_log", Initial.Of(stream, [states], n => drawn[n].Gamma), decays: false);
        _input = Add("B", Initial.Normal(stream, random, 1 / Math.Sqrt(2.0 * width), states, 2, width));
        _output = Add("C", Initial.Normal(stream, random, 1 / Math.Sqrt(states), width, states, 2));
        _skip = Add("D", Initial.Normal(stream, random, 1, width), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        int width = _options.Width, states = _options.StateSize;
        var (batch, length) = (x.Shape[0], x.Shape[1]);
        var logarithm = new ComplexValue(tape.Use(_nu).Unary(UnaryOp.Exp).Affine(-1), tape.Use(_theta).Unary(UnaryOp.Exp));
        var input = x.Linear(tape.Use(_input).Reshape(2 * states, width)).Reshape(batch, length, states, 2)
            .Multiply(tape.Use(_gamma).Unary(UnaryOp.Exp).Reshape(states, 1)).Reshape(batch, length, 2 * states);
        var hidden = input.DiagonalScan(logarithm.Exp().Pairs().Reshape(2 * states), ComplexScan);
        return hidden.Linear(tape.Use(_output).Reshape(width, 2 * states)).Add(x.Multiply(tape.Use(_skip)));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private sealed class Streaming : ILayer
    {
        private readonly Projection _input, _output;
        private readonly DeviceTensor _lambda, _skip, _hidden;

        public Streaming(LruLayer layer, SequenceState state)
        {
            var (stream, states, width) = (state.Stream, layer._options.StateSize, layer._options.Width);
            var (nu, theta, gamma) = (layer._nu.Value.ToArray<float>(stream), layer._theta.Value.ToArray<float>(stream), layer._gamma.Value.ToArray<float>(stream));
            _lambda = Initial.Of(stream, [2 * states], i =>
                Math.Exp(-Math.Exp(nu[i / 2])) * (i % 2 == 0 ? Math.Cos(Math.Exp(theta[i / 2])) : Math.Sin(Math.Exp(theta[i / 2]))));
            var b = layer._input.Value.ToArray<float>(stream);
            using var scaled = Initial.Of(stream, [2 * states, width], i => b[i] * Math.Exp(gamma[i / (2 * width)]));
            _input = new Projection(stream, scaled);
            _output = new Projection(stream, layer._output.Value.Reshape(width, 2 * states));
            _skip = Projection.Clone(stream, layer._skip.Value);
            _hidden = state.Add($"{layer.Name}.lru", 0, 2 * states);
        }

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            using var input = _input.Forward(stream, x);
            using var hidden = Projection.Like(stream, input, input.Shape[^1]);
            Kernels.DiagonalScan(stream, ComplexScan, input, _lambda, _hidden, hidden);
            var y = _output.Forward(stream, hidden);
            using var skipped = Projection.Like(stream, x, x.Shape[^1]);
            Kernels.Binary(stream, BinaryOp.Mul, x, _skip, skipped);
            Kernels.Binary(stream, BinaryOp.Add, y, skipped, y);
            return y;
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_input, _output, _lambda, _skip]) owned.Dispose();
        }
    }
}
