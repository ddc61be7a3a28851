using Fovea.Training;

namespace Fovea.Models.Sequences.Recurrent;

/// <summary>A layer of recurrent cells in one direction (Elman, LSTM, GRU in both reset conventions), with PyTorch's parameter names and
/// gate order. <c>[B, L, input]</c> to <c>[B, L, hidden]</c>.</summary>
public sealed class RecurrentLayer : SequenceModule
{
    private readonly RecurrentOptions _options;
    private readonly Parameter _weights, _recurrent, _bias, _recurrentBias;

    /// <summary>A layer with PyTorch's initial values, uniform in 1/sqrt(hidden).</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Cell, sizes and direction. A reversed layer has no streaming form.</param>
    /// <param name="random">Source of the initial values.</param>
    public RecurrentLayer(DeviceStream stream, string name, in RecurrentOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.HiddenSize, nameof(options));
        _options = options;
        var (rows, bound, suffix) = (Gates.Count(options.Cell) * options.HiddenSize, 1 / Math.Sqrt(options.HiddenSize), options.Reverse ? "_reverse" : "");
        _weights = Add($"weight_ih_l0{suffix}", Initial.Uniform(stream, random, bound, rows, options.InputSize));
        _recurrent = Add($"weight_hh_l0{suffix}", Initial.Uniform(stream, random, bound, rows, options.HiddenSize));
        _bias = Add($"bias_ih_l0{suffix}", Initial.Uniform(stream, random, bound, rows), decays: false);
        _recurrentBias = Add($"bias_hh_l0{suffix}", Initial.Uniform(stream, random, bound, rows), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => Forward(x, lengths: default);

    /// <summary>The same for sequences of different lengths.</summary>
    /// <param name="x"><c>[B, L, input]</c>.</param>
    /// <param name="lengths">Int32 <c>[B]</c>, valid positions of each sequence, or absent. Behind them the result is 0; a reversed layer
    /// begins at the last valid one.</param>
    public Value Forward(Value x, Value lengths)
    {
        var tape = x.Tape;
        return x.Recurrent(_options, tape.Use(_weights), tape.Use(_recurrent), tape.Use(_bias), tape.Use(_recurrentBias), lengths);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The layer is reversed: its first result needs the last input.</exception>
    public override ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (_options.Reverse) throw new InvalidOperationException($"{Name} runs from the end to the beginning: it has no streaming form");
        return new Streaming(this, state);
    }

    private sealed class Streaming(RecurrentLayer layer, SequenceState state) : ILayer
    {
        private readonly RecurrentOptions _options = layer._options;
        private readonly DeviceTensor _packed = Kernels.PrepareRecurrent(state.Stream, layer._options, layer._weights.Value, layer._recurrent.Value,
            layer._bias.Value, layer._recurrentBias.Value);
        private readonly DeviceTensor _h = state.Add($"{layer.Name}.h", 0, layer._options.HiddenSize);
        private readonly DeviceTensor? _c = layer._options.Cell == RecurrentCell.Lstm ? state.Add($"{layer.Name}.c", 0, layer._options.HiddenSize) : null;

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            var y = Projection.Like(stream, x, _options.HiddenSize);
            Kernels.Recurrent(stream, _options, x, _packed, lengths: null, _h, _c, y);
            return y;
        }

        public void Dispose() => _packed.Dispose();
    }
}
