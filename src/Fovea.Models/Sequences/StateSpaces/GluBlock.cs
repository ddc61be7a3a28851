using Fovea.Training;

namespace Fovea.Models.Sequences.StateSpaces;

/// <summary>What mixes channels behind a state space that does not: y = glu(W gelu(inner(x)) + b), W <c>[2 width, width]</c>, glu(a, b)
/// = a sigmoid(b), with dropout before and after while it trains.</summary>
public sealed class GluBlock : SequenceModule
{
    private readonly SequenceModule _inner;
    private readonly Parameter _weight, _bias;
    private readonly int _width;
    private readonly float _dropout;

    /// <summary>Takes over <paramref name="inner"/>.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model; the product is <c>name.output_linear</c>.</param>
    /// <param name="width">Features.</param>
    /// <param name="inner">The layer.</param>
    /// <param name="random">Source of the initial values.</param>
    /// <param name="dropout">Probability, 0 for none.</param>
    public GluBlock(DeviceStream stream, string name, int width, SequenceModule inner, Random random, float dropout = 0)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(random);
        (_width, _dropout) = (width, dropout);
        _inner = Add(inner);
        _weight = Add("output_linear.weight", Initial.Uniform(stream, random, 1 / Math.Sqrt(width), 2 * width, width));
        _bias = Add("output_linear.bias", Initial.Uniform(stream, random, 1 / Math.Sqrt(width), 2 * width), decays: false);
    }

    /// <summary>A residual block of S4D behind a layer norm.</summary>
    public static ResidualLayer S4D(DeviceStream stream, string name, S4DOptions options, Random random, float dropout = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Block(stream, name, options.Width, new S4DLayer(stream, $"{name}.s4d", options, random), random, dropout);
    }

    /// <summary>A residual block of S4 behind a layer norm.</summary>
    public static ResidualLayer S4(DeviceStream stream, string name, S4Options options, Random random, float dropout = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Block(stream, name, options.Width, new S4Layer(stream, $"{name}.s4", options, random), random, dropout);
    }

    /// <summary>A residual block of the linear recurrent unit behind a layer norm.</summary>
    public static ResidualLayer Lru(DeviceStream stream, string name, LruOptions options, Random random, float dropout = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Block(stream, name, options.Width, new LruLayer(stream, $"{name}.lru", options, random), random, dropout);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var inner = Dropped(_inner.Forward(x).Activate(Activation.Gelu));
        var both = inner.Linear(tape.Use(_weight), tape.Use(_bias));
        return Dropped(both.Columns(0, _width).Multiply(both.Columns(_width, _width).Activate(Activation.Sigmoid)));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private static ResidualLayer Block(DeviceStream stream, string name, int width, SequenceModule layer, Random random, float dropout) =>
        new(stream, name, width, new LayerNormOptions(), new GluBlock(stream, name, width, layer, random, dropout));

    private Value Dropped(Value x) => IsTraining && _dropout > 0 ? x.Dropout(_dropout) : x;

    private sealed class Streaming(GluBlock block, SequenceState state) : ILayer
    {
        private readonly ILayer _inner = block._inner.ToStreaming(state);
        private readonly Projection _value = new(state.Stream, block._weight.Value.Rows(0, block._width), block._bias.Value.Rows(0, block._width));
        private readonly Projection _gate = new(state.Stream, block._weight.Value.Rows(block._width, block._width),
            block._bias.Value.Rows(block._width, block._width), Activation.Sigmoid);

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            using var inner = _inner.Forward(stream, x);
            Kernels.Activate(stream, Activation.Gelu, inner, slope: null, inner);
            var y = _value.Forward(stream, inner);
            using var gate = _gate.Forward(stream, inner);
            Kernels.Binary(stream, BinaryOp.Mul, y, gate, y);
            return y;
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable[])[_inner, _value, _gate]) owned.Dispose();
        }
    }
}
