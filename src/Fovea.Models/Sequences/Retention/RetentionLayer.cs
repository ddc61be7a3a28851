using Fovea.Training;

namespace Fovea.Models.Sequences.Retention;

/// <summary>Multi-scale retention (Sun et al., 2023): o = group_norm of sum over m at most n of gamma^(n-m) (q_n k_m) v_m, gated by
/// silu(x W_g), with q and k turned by their position. <c>[B, L, width]</c> to the same.</summary>
/// <remarks>The parallel and the chunkwise form are one kernel, <see cref="Kernels.LinearAttention"/>. Only differences of positions
/// enter, so the streaming form counts none: after each piece the state itself is turned by the piece's length, and it runs for ever with
/// the accuracy of one piece. Pairs of features are (i, i + size/2) of a head; a checkpoint with neighbouring pairs needs its rows of
/// q_proj and k_proj reordered. The norm is the authors': root mean square per head without weights.</remarks>
public sealed class RetentionLayer : SequenceModule
{
    private static readonly LayerNormOptions HeadNorm = new() { Rms = true };

    private readonly DeviceStream _stream;
    private readonly RetentionOptions _options;
    private readonly Parameter _q, _k, _v, _gate, _output;
    private readonly DeviceTensor _decay;

    /// <summary>A layer with the initial values of the authors' code: Xavier with a gain of 2^-2.5.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="random">Source of the initial values.</param>
    public RetentionLayer(DeviceStream stream, string name, RetentionOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        (_stream, _options) = (stream, options);
        int width = options.Width, values = options.Width * options.ValueFactor;
        _q = Add("q_proj.weight", Xavier(width, width, Math.Pow(2, -2.5)));
        _k = Add("k_proj.weight", Xavier(width, width, Math.Pow(2, -2.5)));
        _v = Add("v_proj.weight", Xavier(values, width, Math.Pow(2, -2.5)));
        _gate = Add("g_proj.weight", Xavier(values, width, Math.Pow(2, -2.5)));
        _output = Add("out_proj.weight", Xavier(width, values, 1));
        _decay = AddBuffer("log_decay", Initial.Of(stream, [options.Heads], h => Math.Log(RetentionOptions.Decay(h))));

        DeviceTensor Xavier(int to, int from, double gain) => Initial.Uniform(stream, random, gain * Math.Sqrt(6.0 / (to + from)), to, from);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var (tape, o) = (x.Tape, _options);
        var (batch, length) = (x.Shape[0], x.Shape[1]);
        // Buffers of the module, one per length that was recorded: they live as long as its tapes may run.
        var (cos, sin) = (tape.Input(Turns(length, Math.Cos)), tape.Input(Turns(length, Math.Sin)));
        var q = Turned(x.Linear(tape.Use(_q)).Reshape(batch, length, o.Heads, o.KeySize), cos, sin);
        var k = Turned(x.Linear(tape.Use(_k)).Reshape(batch, length, o.Heads, o.KeySize), cos, sin);
        var v = x.Linear(tape.Use(_v)).Reshape(batch, length, o.Heads, o.ValueSize);
        var mixed = q.LinearAttention(k, v, Kernel, tape.Input(_decay)).LayerNorm(HeadNorm).Reshape(batch, length, o.Heads * o.ValueSize);
        return mixed.Multiply(x.Linear(tape.Use(_gate)).Activate(Activation.Silu)).Linear(tape.Use(_output));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private LinearAttentionOptions Kernel => new() { Scale = (float)(1 / Math.Sqrt(_options.KeySize)), Chunk = _options.Chunk };

    // (a, b) turned by an angle: (a cos - b sin, a sin + b cos).
    private Value Turned(Value x, Value cos, Value sin)
    {
        var (a, b) = (x.Columns(0, _options.KeySize / 2), x.Columns(_options.KeySize / 2, _options.KeySize / 2));
        return a.Multiply(cos).Subtract(b.Multiply(sin)).Concat(a.Multiply(sin).Add(b.Multiply(cos)));
    }

    // [length, 1, pairs]: of position times angle, in double as positions may be large.
    private DeviceTensor Turns(long length, Func<double, double> function)
    {
        var name = $"{(function == Math.Cos ? "cos" : "sin")}.{length}";
        return Buffers.FirstOrDefault(b => b.Name.EndsWith(name, StringComparison.Ordinal)).Tensor ??
            AddBuffer(name, TurnsOf(_stream, _options, length, function));
    }

    private static DeviceTensor TurnsOf(DeviceStream stream, RetentionOptions o, long length, Func<double, double> function)
    {
        var pairs = o.KeySize / 2;
        return Initial.Of(stream, [length, 1, pairs], i => function(i / pairs * o.Angle(i % pairs)));
    }

    private sealed class Streaming(RetentionLayer layer, SequenceState state) : ILayer
    {
        private readonly RetentionOptions _options = layer._options;
        private readonly LinearAttentionOptions _kernel = layer.Kernel;
        private readonly Projection _q = new(state.Stream, layer._q.Value);
        private readonly Projection _k = new(state.Stream, layer._k.Value);
        private readonly Projection _v = new(state.Stream, layer._v.Value);
        private readonly Projection _gate = new(state.Stream, layer._gate.Value, activation: Activation.Silu);
        private readonly Projection _output = new(state.Stream, layer._output.Value);
        private readonly DeviceTensor _decay = Projection.Clone(state.Stream, layer._decay);
        private readonly DeviceTensor _memory = state.Add($"{layer.Name}.memory", 0, layer._options.Heads, layer._options.KeySize, layer._options.ValueSize);
        // Turns by length, made when a length is first used (at the latest while its graph is captured).
        private readonly Dictionary<long, (DeviceTensor Cos, DeviceTensor Sin, DeviceTensor StateCos, DeviceTensor StateSin)> _turns = [];

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            var o = _options;
            var (batch, length) = (x.Shape[0], x.Shape[1]);
            var (cos, sin, stateCos, stateSin) = TurnsFor(length);
            using var q = _q.Forward(stream, x);
            using var k = _k.Forward(stream, x);
            using var v = _v.Forward(stream, x);
            using var gate = _gate.Forward(stream, x);
            using var turnedQ = Projection.Like(stream, q, o.Width);
            using var turnedK = Projection.Like(stream, k, o.Width);
            using var mixed = Projection.Like(stream, v, o.Heads * o.ValueSize);
            var y = mixed.Reshape(batch, length, o.Heads, o.ValueSize);
            Turn(stream, q.Reshape(batch, length, o.Heads, o.KeySize), cos, sin, turnedQ.Reshape(batch, length, o.Heads, o.KeySize));
            Turn(stream, k.Reshape(batch, length, o.Heads, o.KeySize), cos, sin, turnedK.Reshape(batch, length, o.Heads, o.KeySize));
            Kernels.LinearAttention(stream, _kernel, turnedQ.Reshape(batch, length, o.Heads, o.KeySize),
                turnedK.Reshape(batch, length, o.Heads, o.KeySize), v.Reshape(batch, length, o.Heads, o.ValueSize), _decay, _memory, y);
            TurnMemory(stream, stateCos, stateSin);
            Kernels.LayerNorm(stream, HeadNorm, y, residual: null, gamma: null, beta: null, sum: null, y);
            Kernels.Binary(stream, BinaryOp.Mul, mixed, gate, mixed);
            return _output.Forward(stream, mixed);
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_q, _k, _v, _gate, _output, _decay]) owned.Dispose();
            foreach (var (cos, sin, stateCos, stateSin) in _turns.Values)
                foreach (var tensor in (DeviceTensor[])[cos, sin, stateCos, stateSin]) tensor.Dispose();
        }

        // Positions count from the start of the piece, as 1..length; what was remembered counts as position 0. Afterwards the memory is
        // turned back by the length, so that position `length` becomes the next piece's 0.
        private (DeviceTensor Cos, DeviceTensor Sin, DeviceTensor StateCos, DeviceTensor StateSin) TurnsFor(long length)
        {
            if (_turns.TryGetValue(length, out var known)) return known;
            var (stream, o, pairs) = (state.Stream, _options, _options.KeySize / 2);
            DeviceTensor Pieces(Func<double, double> f) => Initial.Of(stream, [length, 1, pairs], i => f((i / pairs + 1) * o.Angle(i % pairs)));
            // Repeated over the values: the halves of a head's memory are columns of [heads, size * values].
            DeviceTensor Whole(Func<double, double> f) => Initial.Of(stream, [pairs * o.ValueSize], i => f(-length * o.Angle(i / o.ValueSize)));
            return _turns[length] = (Pieces(Math.Cos), Pieces(Math.Sin), Whole(Math.Cos), Whole(Math.Sin));
        }

        private void TurnMemory(DeviceStream stream, DeviceTensor cos, DeviceTensor sin)
        {
            var flat = _memory.Reshape(_memory.Shape[0] * _options.Heads, _options.KeySize * _options.ValueSize);
            using var turned = DeviceTensor.Allocate(stream, DType.Float32, flat.Shape);
            Turn(stream, flat, cos, sin, turned);
            Kernels.Copy(stream, turned, flat);
        }

        private static void Turn(DeviceStream stream, DeviceTensor x, DeviceTensor cos, DeviceTensor sin, DeviceTensor y)
        {
            var half = x.Shape[^1] / 2;
            var (a, b, first, second) = (x.Columns(0, half), x.Columns(half, half), y.Columns(0, half), y.Columns(half, half));
            using var product = Projection.Like(stream, x, half);
            Kernels.Binary(stream, BinaryOp.Mul, a, cos, first);
            Kernels.Binary(stream, BinaryOp.Mul, b, sin, product);
            Kernels.Binary(stream, BinaryOp.Sub, first, product, first);
            Kernels.Binary(stream, BinaryOp.Mul, a, sin, second);
            Kernels.Binary(stream, BinaryOp.Mul, b, cos, product);
            Kernels.Binary(stream, BinaryOp.Add, second, product, second);
        }
    }
}
