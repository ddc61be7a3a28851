using Fovea.Data;

namespace Fovea.Models.Sequences.Speech;

/// <summary>Silero's voice activity detector, version 5, at 16 kHz: how likely each window of 32 ms holds speech. Magnitudes of a short
/// Fourier transform, four convolutions, an LSTM, a sigmoid; 309,633 parameters (Silero team, github.com/snakers4/silero-vad,
/// MIT).</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once. The first layers see the
/// window with the 64 samples before it, mirrored by 64 at its end.</remarks>
public sealed class SileroVad : IDisposable
{
    /// <summary>Samples per second of the input.</summary>
    public const int SampleRate = 16000;

    /// <summary>Samples of a window.</summary>
    public const int Window = 512;

    private const int Context = 64, Mirrored = 64, Block = Context + Window + Mirrored;
    private const int Frame = 256, Hop = 128, Frequencies = Frame / 2 + 1, Hidden = 128;

    private static readonly RecurrentOptions Cell = new() { Cell = RecurrentCell.Lstm, InputSize = Hidden, HiddenSize = Hidden };
    private static readonly (int Inputs, int Outputs, int Stride)[] Encoder = [(Frequencies, 128, 1), (128, 64, 2), (64, 64, 2), (64, Hidden, 1)];

    private readonly Conv2DLayer _transform;
    private readonly Conv2DLayer[] _encoder;
    private readonly DeviceTensor _cell;
    private readonly LinearLayer _head;

    /// <summary>Loads the network from its weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public SileroVad(DeviceStream stream, OnnxWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        float[] Floats(string name, params ReadOnlySpan<long> shape) => weights.Get("If_0_then_branch__Inline_0__" + name, shape).ToFloats();
        _transform = new Conv2DLayer(stream, Along(1, 2 * Frequencies, Frame, Hop), Floats("stft.forward_basis_buffer", 2 * Frequencies, 1, Frame), [], []);
        _encoder = [.. Encoder.Select((e, i) => new Conv2DLayer(
            stream, Along(e.Inputs, e.Outputs, 3, e.Stride) with { PadLeft = 1, PadRight = 1, Activation = Activation.Relu },
            KernelLayout.InputsLast(Floats($"encoder.{i}.reparam_conv.weight", e.Outputs, e.Inputs, 3), e.Inputs, 3), Floats($"encoder.{i}.reparam_conv.bias", e.Outputs), []))];
        using var input = DeviceTensor.From<float>(stream, Floats("decoder.rnn.weight_ih", 4 * Hidden, Hidden), 4 * Hidden, Hidden);
        using var recurrent = DeviceTensor.From<float>(stream, Floats("decoder.rnn.weight_hh", 4 * Hidden, Hidden), 4 * Hidden, Hidden);
        using var bias = DeviceTensor.From<float>(stream, Floats("decoder.rnn.bias_ih", 4 * Hidden), 4 * Hidden);
        using var recurrentBias = DeviceTensor.From<float>(stream, Floats("decoder.rnn.bias_hh", 4 * Hidden), 4 * Hidden);
        _cell = Kernels.PrepareRecurrent(stream, Cell, input, recurrent, bias, recurrentBias);
        _head = new LinearLayer(stream, new LinearOptions { InFeatures = Hidden, OutFeatures = 1, Activation = Activation.Sigmoid },
            Floats("decoder.decoder.2.weight", 1, Hidden, 1), Floats("decoder.decoder.2.bias", 1), []);
    }

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static SileroVad Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return new SileroVad(stream, OnnxWeights.Parse(store.Read("silero-vad", "silero_vad_v5.onnx"), "silero_vad_v5.onnx"));
    }

    /// <summary>A layer that reads one window per stream, <c>[streams, 512]</c> in [-1, 1], and gives the probabilities of speech,
    /// <c>[streams, 1]</c>. Its memory is added to <paramref name="state"/>.</summary>
    public ILayer ToStreaming(SequenceState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Streaming(this, state);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _transform.Dispose();
        foreach (var layer in _encoder) layer.Dispose();
        _cell.Dispose();
        _head.Dispose();
    }

    // A convolution over time: images of height 1.
    private static Conv2DOptions Along(int inputs, int outputs, int kernel, int stride) =>
        new() { InChannels = inputs, OutChannels = outputs, KernelHeight = 1, KernelWidth = kernel, StrideWidth = stride };

    private sealed class Streaming : ILayer
    {
        private readonly SileroVad _net;
        private readonly DeviceTensor _context, _h, _c, _order;

        public Streaming(SileroVad net, SequenceState state)
        {
            _net = net;
            _context = state.Add("context", 0, Context);
            _h = state.Add("h", 0, Hidden);
            _c = state.Add("c", 0, Hidden);
            // Which sample of [context, window] each sample of a block is: the end mirrored without its last one.
            var order = new int[state.Streams * Block];
            for (var i = 0; i < order.Length; i++)
            {
                var (row, at) = (i / Block, i % Block);
                const int Known = Context + Window;
                order[i] = row * Known + (at < Known ? at : 2 * (Known - 1) - at);
            }
            _order = DeviceTensor.From<int>(state.Stream, order, state.Streams, Block);
        }

        public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
        {
            var streams = x.Shape[0];
            using var known = DeviceTensor.Allocate(stream, DType.Float32, streams, Context + Window);
            Kernels.Concat(stream, known, _context, x);
            Kernels.Copy(stream, x.Columns(Window - Context, Context), _context);
            using var block = DeviceTensor.Allocate(stream, DType.Float32, streams, Block, 1);
            Kernels.GatherRows(stream, known.Reshape(-1, 1), _order, block);

            using var spectrum = _net._transform.Forward(stream, block.Reshape(streams, 1, Block, 1));
            Kernels.Binary(stream, BinaryOp.Mul, spectrum, spectrum, spectrum);
            var y = DeviceTensor.Allocate(stream, DType.Float32, streams, 1, spectrum.Shape[2], Frequencies);
            Kernels.Binary(stream, BinaryOp.Add, spectrum.Columns(0, Frequencies), spectrum.Columns(Frequencies, Frequencies), y);
            Kernels.Unary(stream, UnaryOp.Sqrt, y, y);
            foreach (var layer in _net._encoder)
            {
                var next = layer.Forward(stream, y);
                y.Dispose();
                y = next;
            }
            // The strides leave one frame.
            using var features = DeviceTensor.Allocate(stream, DType.Float32, streams, 1, Hidden);
            Kernels.Recurrent(stream, Cell, y.Reshape(streams, 1, Hidden), _net._cell, lengths: null, _h, _c, features);
            Kernels.Activate(stream, Activation.Relu, features, slope: null, features);
            y.Dispose();
            return _net._head.Forward(stream, features);
        }

        public void Dispose() => _order.Dispose();
    }
}
