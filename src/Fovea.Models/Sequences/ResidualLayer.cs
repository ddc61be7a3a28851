using Fovea.Training;

namespace Fovea.Models.Sequences;

/// <summary>x + inner(norm(x)): a layer in a residual stream, normalised before by its root mean square (or with a mean).</summary>
public sealed class ResidualLayer : SequenceModule
{
    private readonly LayerNormOptions _norm;
    private readonly Parameter _gamma;
    private readonly Parameter? _beta;
    private readonly SequenceModule _inner;

    /// <summary>Takes over <paramref name="inner"/>.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model; the norm is <c>name.norm</c>.</param>
    /// <param name="width">Features.</param>
    /// <param name="norm">A layer norm has a beta, a norm of the root mean square has none.</param>
    /// <param name="inner">The layer.</param>
    public ResidualLayer(DeviceStream stream, string name, int width, in LayerNormOptions norm, SequenceModule inner)
        : base(name)
    {
        _norm = norm;
        _gamma = Add("norm.weight", Initial.Constant(stream, 1, width), decays: false);
        _beta = norm.Rms ? null : Add("norm.bias", Initial.Constant(stream, 0, width), decays: false);
        _inner = Add(inner);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var normalised = x.LayerNorm(_norm, x.Tape.Use(_gamma), _beta is null ? default : x.Tape.Use(_beta));
        return x.Add(_inner.Forward(normalised));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private sealed class Streaming(ResidualLayer layer, SequenceState state) : ILayer
    {
        private readonly LayerNormOptions _norm = layer._norm;
        private readonly DeviceTensor _gamma = Projection.Clone(state.Stream, layer._gamma.Value);
        private readonly DeviceTensor? _beta = layer._beta is null ? null : Projection.Clone(state.Stream, layer._beta.Value);
        private readonly ILayer _inner = layer._inner.ToStreaming(state);

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            using var normalised = Projection.Like(stream, x, x.Shape[^1]);
            Kernels.LayerNorm(stream, _norm, x, residual: null, _gamma, _beta, sum: null, normalised);
            var y = _inner.Forward(stream, normalised);
            Kernels.Binary(stream, BinaryOp.Add, x, y, y);
            return y;
        }

        public void Dispose()
        {
            _gamma.Dispose();
            _beta?.Dispose();
            _inner.Dispose();
        }
    }
}
