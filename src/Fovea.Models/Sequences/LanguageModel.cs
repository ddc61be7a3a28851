using Fovea.Training;

namespace Fovea.Models.Sequences;

/// <summary>Tokens to logits: an embedding, layers in a residual stream, a norm, and a head, tied to the embedding if wanted. Tokens
/// are Int32 <c>[B, L]</c>, logits <c>[B, L, vocabulary]</c>.</summary>
public sealed class LanguageModel : SequenceModule
{
    private readonly LayerNormOptions _norm;
    private readonly Parameter _embedding, _gamma;
    private readonly Parameter? _beta, _head;
    private readonly SequenceModule[] _layers;

    /// <summary>Takes over <paramref name="layers"/>.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="vocabulary">Number of tokens.</param>
    /// <param name="width">Features of the residual stream.</param>
    /// <param name="norm">The norm before the head.</param>
    /// <param name="tied">Whether the head is the embedding's transpose.</param>
    /// <param name="random">Source of the initial values: N(0, 0.02).</param>
    /// <param name="layers">From the first to the last, each <c>[B, L, width]</c> to the same.</param>
    public LanguageModel(DeviceStream stream, int vocabulary, int width, in LayerNormOptions norm, bool tied, Random random, params ReadOnlySpan<SequenceModule> layers)
        : base("")
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        _norm = norm;
        _embedding = Add("embedding.weight", Initial.Normal(stream, random, 0.02, vocabulary, width));
        _layers = layers.ToArray();
        foreach (var layer in _layers) Add(layer);
        _gamma = Add("norm.weight", Initial.Constant(stream, 1, width), decays: false);
        _beta = norm.Rms ? null : Add("norm.bias", Initial.Constant(stream, 0, width), decays: false);
        _head = tied ? null : Add("head.weight", Initial.Normal(stream, random, 0.02, vocabulary, width));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var y = tape.Use(_embedding).GatherRows(x);
        foreach (var layer in _layers) y = layer.Forward(y);
        y = y.LayerNorm(_norm, tape.Use(_gamma), _beta is null ? default : tape.Use(_beta));
        return y.Linear(tape.Use(_head ?? _embedding));
    }

    /// <inheritdoc/>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    private sealed class Streaming(LanguageModel model, SequenceState state) : ILayer
    {
        private readonly LayerNormOptions _norm = model._norm;
        private readonly DeviceTensor _embedding = Projection.Clone(state.Stream, model._embedding.Value);
        private readonly DeviceTensor _gamma = Projection.Clone(state.Stream, model._gamma.Value);
        private readonly DeviceTensor? _beta = model._beta is null ? null : Projection.Clone(state.Stream, model._beta.Value);
        private readonly Projection _head = new(state.Stream, (model._head ?? model._embedding).Value);
        private readonly ILayer[] _layers = Array.ConvertAll(model._layers, l => l.ToStreaming(state));

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor tokens)
        {
            var x = DeviceTensor.Allocate(stream, DType.Float32, [.. tokens.Shape, _embedding.Shape[1]]);
            Kernels.GatherRows(stream, _embedding, tokens, x);
            foreach (var layer in _layers)
            {
                var y = layer.Forward(stream, x);
                x.Dispose();
                x = y;
            }
            Kernels.LayerNorm(stream, _norm, x, residual: null, _gamma, _beta, sum: null, x);
            var logits = _head.Forward(stream, x);
            x.Dispose();
            return logits;
        }

        public void Dispose()
        {
            foreach (var owned in (IDisposable?[])[_embedding, _gamma, _beta, _head, .. _layers]) owned?.Dispose();
        }
    }
}
