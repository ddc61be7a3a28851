using System.Numerics;
using Fovea.Training;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>S4D: a diagonal state space per channel (Gu et al., 2022, and the names of the authors' code: <c>log_dt, log_A_real, A_imag,
/// C, D</c>; C in two parts). x' = A x + u, y = 2 Re(C x) + D u, discretized with a step size per channel. <c>[B, L, width]</c> to
/// the same.</summary>
/// <remarks>With the zero-order hold the parallel form is a convolution with the impulse response. The bilinear one is run as a
/// recurrence over all states, which needs N times the memory. log_dt, log_A_real, A_imag and D take no weight decay.</remarks>
public sealed class S4DLayer : SequenceModule
{
    private readonly S4DOptions _options;
    private readonly Parameter _logStep, _logReal, _imaginary, _outputRe, _outputIm, _skip;
    private readonly DeviceTensor? _spread; // bilinear only

    /// <summary>A layer with the initial values of the paper: C normal with variance 1 (1/2 per part), D normal.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">Source of the initial values.</param>
    public S4DLayer(DeviceStream stream, string name, S4DOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        if (options.Rule is not (Discretization.Exact or Discretization.Bilinear))
            throw new ArgumentException($"a diagonal state space is discretized exactly or bilinearly, not by the rule {options.Rule}", nameof(options));
        _options = options;
        int width = options.Width, states = options.StateSize / 2;
        var diagonal = S4DOptions.Diagonal(options.Init, options.StateSize);
        _logStep = Add("log_dt", Initial.Of(stream, [width], _ => Math.Log(options.DrawStep(random))), decays: false);
        _logReal = Add("log_A_real", Initial.Of(stream, [width, states], i => Math.Log(-diagonal[i % states].Real)), decays: false);
        _imaginary = Add("A_imag", Initial.Of(stream, [width, states], i => diagonal[i % states].Imaginary), decays: false);
        _outputRe = Add("C.re", Initial.Normal(stream, random, Math.Sqrt(0.5), width, states));
        _outputIm = Add("C.im", Initial.Normal(stream, random, Math.Sqrt(0.5), width, states));
        _skip = Add("D", Initial.Normal(stream, random, 1, width), decays: false);
        if (options.Rule == Discretization.Bilinear) _spread = AddBuffer("spread", DiagonalStreaming.Spread(stream, states));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        int width = _options.Width, floats = _options.StateSize;
        var step = tape.Use(_logStep).Unary(UnaryOp.Exp).Reshape(width, 1);
        var a = new ComplexValue(tape.Use(_logReal).Unary(UnaryOp.Exp).Affine(-1), tape.Use(_imaginary));
        var c = new ComplexValue(tape.Use(_outputRe), tape.Use(_outputIm)).Affine(2, 0);
        var z = a.Times(step);
        if (_options.Rule == Discretization.Exact)
        {
            var kernel = z.Pairs().ExponentialKernel((c * (z.ExpMinusOne() / a)).Pairs(), x.Shape[1]);
            return x.LongConv1D(kernel, tape.Use(_skip));
        }
        var below = z.Affine(-0.5f, 1);
        var decay = z.Affine(0.5f, 1) / below;
        var weights = c.Times(step) / below;
        var (batch, length) = (x.Shape[0], x.Shape[1]);
        var wide = x.Reshape(batch, length, width, 1).Multiply(tape.Input(_spread!)).Reshape(batch, length, width * floats);
        var hidden = wide.DiagonalScan(decay.Pairs().Reshape(width * floats), new DiagonalScanOptions { Complex = true });
        var read = hidden.Reshape(batch, length, width, floats).Multiply((weights with { Im = weights.Im.Affine(-1) }).Pairs().Reshape(width, floats));
        return read.Reduce(ReduceOp.Sum, keepDimensions: false, 3).Add(x.Multiply(tape.Use(_skip)));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var stream = state.Stream;
        float[] Read(Parameter parameter) => parameter.Value.ToArray<float>(stream);
        int width = _options.Width, states = _options.StateSize / 2;
        var (logStep, logReal, imaginary, re, im) = (Read(_logStep), Read(_logReal), Read(_imaginary), Read(_outputRe), Read(_outputIm));
        var (decays, weights) = (new Complex[width, states], new Complex[width, states]);
        for (var i = 0; i < width * states; i++)
        {
            var (h, n) = (i / states, i % states);
            var (decay, input) = Discretize(new Complex(-Math.Exp(logReal[i]), imaginary[i]), Math.Exp(logStep[h]), _options.Rule);
            (decays[h, n], weights[h, n]) = (decay, 2 * new Complex(re[i], im[i]) * input);
        }
        return new DiagonalStreaming(state, Name, decays, weights, _skip.Value);
    }

    /// <summary>A step of one state x' = a x + u: what x is multiplied by, and u.</summary>
    public static (Complex Decay, Complex Input) Discretize(Complex a, double dt, Discretization rule) => rule switch
    {
        Discretization.Exact => (Complex.Exp(dt * a), (Complex.Exp(dt * a) - 1) / a),
        Discretization.Bilinear => ((1 + dt / 2 * a) / (1 - dt / 2 * a), dt / (1 - dt / 2 * a)),
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "exact or bilinear"),
    };
}
