using System.Numerics;
using Fovea.Training;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>S4: HiPPO's LegS per channel, diagonal minus a matrix of rank one, under the bilinear rule: y = 2 Re(C x) + D u.
/// <c>[B, L, width]</c> to the same.</summary>
/// <remarks>C and D are trained; A, B and the step sizes keep their values. So the impulse response is a product of C with a table of the
/// states after an impulse, which is made in double on the host for each length that is recorded (width * N * L numbers, buffers of the
/// module). The streaming form makes a step in O(N) per channel. D takes no weight decay.</remarks>
public sealed class S4Layer : SequenceModule
{
    private readonly DeviceStream _stream;
    private readonly S4Options _options;
    private readonly DiagonalPlusLowRank _system;
    private readonly Parameter _output, _skip;
    private readonly DeviceTensor _step;

    /// <summary>A layer with the initial values of the paper: C normal with variance 1 (1/2 per part), D normal.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">Source of the initial values.</param>
    public S4Layer(DeviceStream stream, string name, S4Options options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        (_stream, _options, _system) = (stream, options, DiagonalPlusLowRank.LegS(options.StateSize));
        var ratio = Math.Log(options.LargestStep / options.SmallestStep);
        _step = AddBuffer("dt", Initial.Of(stream, [options.Width], _ => options.SmallestStep * Math.Exp(random.NextDouble() * ratio)));
        // [width, N]: real and imaginary part in turn.
        _output = Add("C", Initial.Normal(stream, random, Math.Sqrt(0.5), options.Width, options.StateSize));
        _skip = Add("D", Initial.Normal(stream, random, 1, options.Width), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var (tape, length) = (x.Tape, x.Shape[1]);
        var kernel = tape.Use(_output).Reshape(_options.Width, 1, _options.StateSize).MatMul(tape.Input(States(checked((int)length))));
        return x.LongConv1D(kernel.Reshape(_options.Width, length), tape.Use(_skip));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    // [width, N, length]: 2 Re and -2 Im of the states after an impulse, so that C's numbers just multiply them.
    private DeviceTensor States(int length)
    {
        var name = $"states.{length}";
        if (Buffers.FirstOrDefault(b => b.Name.EndsWith(name, StringComparison.Ordinal)).Tensor is { } known) return known;
        var size = _options.StateSize;
        var values = new float[(long)_options.Width * size * length];
        var steps = _step.ToArray<float>(_stream);
        var z = new Complex[size / 2];
        for (var channel = 0; channel < _options.Width; channel++)
        {
            Array.Clear(z);
            for (var l = 0; l < length; l++)
            {
                _system.Step(steps[channel], z, l == 0 ? 1 : 0);
                for (var n = 0; n < z.Length; n++)
                {
                    values[((long)channel * size + 2 * n) * length + l] = (float)(2 * z[n].Real);
                    values[((long)channel * size + 2 * n + 1) * length + l] = (float)(-2 * z[n].Imaginary);
                }
            }
        }
        return AddBuffer(name, DeviceTensor.From<float>(_stream, values, _options.Width, size, length));
    }

    // A step as kernels, all numbers of a channel side by side as pairs: w = (2/dt + Lambda) z - P (P* z) + 2 B u;
    // z = R (w - P (correction P* R w)), R = 1/(2/dt - Lambda).
    private sealed class Streaming : ILayer
    {
        private static readonly DiagonalScanOptions ComplexScan = new() { Complex = true };

        private readonly int _width, _size;
        private readonly DeviceTensor _ahead, _resolvent, _low, _minusLow, _lowResolved, _input, _zeros, _output, _skip, _hidden;

        public Streaming(S4Layer layer, SequenceState state)
        {
            var (stream, system) = (state.Stream, layer._system);
            (_width, _size) = (layer._options.Width, layer._options.StateSize);
            var steps = layer._step.ToArray<float>(stream);
            // What multiplies a state's numbers so that their sum is 2 Re(conj(v) z) is 2 v.
            _low = Pairs((_, n) => 2 * system.P[n]);
            _minusLow = Pairs((_, n) => -system.P[n]);
            _lowResolved = Pairs((dt, n) => 2 * system.Correction(dt) * Complex.Conjugate(Complex.Conjugate(system.P[n]) * system.Resolvent(dt, n)));
            _ahead = Pairs((dt, n) => 2 / dt + system.Lambda[n]);
            _resolvent = Pairs((dt, n) => system.Resolvent(dt, n));
            _input = Pairs((_, n) => 2 * system.B[n]);
            _zeros = Initial.Constant(stream, 0, state.Streams, 1, _width * _size);
            var c = layer._output.Value.ToArray<float>(stream);
            _output = Initial.Of(stream, [_width, _size], i => 2 * (i % 2 == 0 ? c[i] : -c[i]));
            _skip = Projection.Clone(stream, layer._skip.Value);
            _hidden = state.Add($"{layer.Name}.ssm", 0, _width * _size);

            DeviceTensor Pairs(Func<double, int, Complex> value) => Initial.Of(stream, [_width, _size], i =>
            {
                var v = value(steps[i / _size], i % _size / 2);
                return i % 2 == 0 ? v.Real : v.Imaginary;
            });
        }

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            var (batch, length) = (x.Shape[0], x.Shape[1]);
            var y = Projection.Like(stream, x, _width);
            using var u = DeviceTensor.Allocate(stream, DType.Float32, batch, _width, 1);
            using var wide = DeviceTensor.Allocate(stream, DType.Float32, batch, _width, _size);
            using var next = DeviceTensor.Allocate(stream, DType.Float32, batch, _width, _size);
            using var sum = DeviceTensor.Allocate(stream, DType.Float32, batch, _width, 1);
            for (var t = 0; t < length; t++)
            {
                Kernels.Copy(stream, At(x, t), u.Reshape(batch, _width));
                Step(stream, u, wide, next, sum);
                Weighted(stream, _hidden.Reshape(batch, _width, _size), _output, wide, sum);
                Kernels.Copy(stream, sum.Reshape(batch, _width), At(y, t));
            }
            using var skipped = Projection.Like(stream, x, _width);
            Kernels.Binary(stream, BinaryOp.Mul, x, _skip, skipped);
            Kernels.Binary(stream, BinaryOp.Add, y, skipped, y);
            return y;

            DeviceTensor At(DeviceTensor tensor, int t) => tensor.Reshape(batch, length * _width).Columns((long)t * _width, _width);
        }

        private void Step(DeviceStream stream, DeviceTensor u, DeviceTensor wide, DeviceTensor next, DeviceTensor sum)
        {
            var batch = u.Shape[0];
            // next = 2 B u - P (P* z)
            Weighted(stream, _hidden.Reshape(batch, _width, _size), _low, wide, sum);
            Kernels.Binary(stream, BinaryOp.Mul, sum, _minusLow, wide);
            Kernels.Binary(stream, BinaryOp.Mul, u, _input, next);
            Kernels.Binary(stream, BinaryOp.Add, next, wide, next);
            // z = (2/dt + Lambda) z + next
            Advance(stream, next, _ahead, wide);
            // z -= P (correction P* R z); z = R z
            Weighted(stream, _hidden.Reshape(batch, _width, _size), _lowResolved, wide, sum);
            Kernels.Binary(stream, BinaryOp.Mul, sum, _minusLow, wide);
            Kernels.Binary(stream, BinaryOp.Add, _hidden.Reshape(batch, _width, _size), wide, _hidden.Reshape(batch, _width, _size));
            Advance(stream, _zeros, _resolvent, wide);
        }

        // z = a z + x, element by element; `scratch` gets a copy.
        private void Advance(DeviceStream stream, DeviceTensor x, DeviceTensor a, DeviceTensor scratch) =>
            Kernels.DiagonalScan(stream, ComplexScan, x.Reshape(_hidden.Shape[0], 1, -1), a.Reshape(_width * _size), _hidden,
                scratch.Reshape(_hidden.Shape[0], 1, -1));

        // Per channel the sum of a state's numbers times weights.
        private static void Weighted(DeviceStream stream, DeviceTensor z, DeviceTensor weights, DeviceTensor scratch, DeviceTensor sum)
        {
            Kernels.Binary(stream, BinaryOp.Mul, z, weights, scratch);
            Kernels.Reduce(stream, ReduceOptions.Over(ReduceOp.Sum, 2), scratch, sum);
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_ahead, _resolvent, _low, _minusLow, _lowResolved, _input, _zeros, _output, _skip]) owned.Dispose();
        }
    }
}
