using Fovea.Data;

namespace Fovea.Models.TextRecognition;

/// <summary>The text recogniser of PP-OCRv4 (PaddleOCR, Apache-2.0): PP-LCNetV3 turns a line of text into columns of 8 pixels, two SVTR
/// blocks mix them, and a dense layer says what stands in each.</summary>
/// <remarks>Immutable after construction, so any number of recognisers of the same device may use it at once.</remarks>
public sealed class PpOcrRecognizer : ILayer
{
    /// <summary>Name in the catalogue.</summary>
    public const string ModelName = "ppocr-v4-rec";

    /// <summary>Rows of the input.</summary>
    public const int Height = 48;

    /// <summary>Pixels of a column of the output.</summary>
    public const int ColumnWidth = 8;

    internal const int Features = 120;
    private const int Channels = 480, Narrow = 60;

    // Rows go from 24 behind the stem to 3, columns from half the width to a quarter.
    private static readonly PpOcrBlockShape[] Blocks =
    [
        new(3, 16, 32),
        new(3, 32, 64),
        new(3, 64, 64),
        new(3, 64, 128, StrideHeight: 2),
        new(3, 128, 128),
        new(3, 128, 240, StrideWidth: 2),
        new(5, 240, 240),
        new(5, 240, 240),
        new(5, 240, 240),
        new(5, 240, 240),
        new(5, 240, Channels, StrideHeight: 2, Squeeze: 106),
        new(5, Channels, Channels, Squeeze: 117),
        new(5, Channels, Channels, StrideHeight: 2),
        new(5, Channels, Channels),
    ];

    private static readonly Pool2DOptions Flatten =
        new() { Mode = PoolMode.Average, KernelHeight = 3, KernelWidth = 2, StrideHeight = 3, StrideWidth = 2 };

    private readonly Sequential _backbone;
    private readonly Conv2DLayer _narrow, _enter, _leave, _narrowAgain, _final;
    private readonly Sequential _mixers;
    private readonly LinearLayer _head;

    /// <summary>Loads the network from its weights.</summary>
    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="file">The constants of <c>ch_PP-OCRv4_rec_infer.onnx</c>.</param>
    /// <param name="alphabet">What the classes stand for.</param>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public PpOcrRecognizer(DeviceStream stream, OnnxWeights file, TextAlphabet alphabet)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(alphabet);
        Alphabet = alphabet;
        var weights = new PpOcrWeights(file);
        var stem = weights.Normalized(stream, new Conv2DOptions(3, 16, 3) { Stride = 2, Padding = 1 }, 10, 2);
        _backbone = new Sequential([stem, .. Blocks.Select((shape, i) => new PpOcrBlock(stream, weights, i, shape))]);
        _narrow = Across(142, 148, Channels, Narrow, 3);
        _enter = Across(143, 149, Narrow, Features, 1);
        _mixers = new Sequential(
            new PpOcrMixer(stream, weights, linear: 77, norm: 43),
            new PpOcrMixer(stream, weights, linear: 81, norm: 45),
            new PpOcrNorm(stream, weights, 47, 1e-6f));
        _leave = Across(144, 150, Features, Channels, 1);
        _narrowAgain = Across(145, 151, 2 * Channels, Narrow, 3);
        _final = Across(146, 152, Narrow, Features, 1);
        _head = weights.Dense(stream, 85, Features, TextAlphabet.Classes, 0, TextAlphabet.Classes);

        // A convolution over the columns, with batch norm and SiLU.
        Conv2DLayer Across(int number, int norm, int inputs, int outputs, int taps) => weights.Normalized(stream, new Conv2DOptions
        {
            InChannels = inputs,
            OutChannels = outputs,
            KernelHeight = 1,
            KernelWidth = taps,
            PadLeft = taps / 2,
            PadRight = taps / 2,
            Activation = Activation.Silu,
        }, number, norm);
    }

    /// <summary>What the classes stand for.</summary>
    public TextAlphabet Alphabet { get; }

    /// <summary>Loads the weights that <c>fovea models fetch ppocr-v4-rec</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static PpOcrRecognizer Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        const string network = "rec_infer.onnx", keys = "ppocr_keys_v1.txt";
        var alphabet = TextAlphabet.Parse(store.Read(ModelName, keys), $"{ModelName}/{keys}");
        return new PpOcrRecognizer(stream, OnnxWeights.Parse(store.Read(ModelName, network), $"{ModelName}/{network}"), alphabet);
    }

    /// <summary>Enqueues the network over one line.</summary>
    /// <param name="stream">Where to enqueue.</param>
    /// <param name="x">f32 [1][48][W][3], blue, green, red in [-1, 1]; W a multiple of 8.</param>
    /// <returns>f32 [W/8][6625]: the probabilities of each column's classes.</returns>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        using var map = _backbone.Forward(stream, x);
        var columns = Flatten.OutputSize(map.Shape[1], map.Shape[2]).Width;
        // The mixed columns stand beside those that come in.
        using var both = DeviceTensor.Allocate(stream, DType.Float32, 1, 1, columns, 2 * Channels);
        var pooled = both.Columns(0, Channels);
        Kernels.Pool2D(stream, Flatten, map, pooled);
        using (var narrow = _narrow.Forward(stream, pooled))
        using (var entering = _enter.Forward(stream, narrow))
        using (var mixed = _mixers.Forward(stream, entering.Reshape(columns, Features)))
            _leave.Forward(stream, mixed.Reshape(1, 1, columns, Features), both.Columns(Channels, Channels));
        using var joined = _narrowAgain.Forward(stream, both);
        using var final = _final.Forward(stream, joined);
        var y = _head.Forward(stream, final.Reshape(columns, Features));
        Kernels.Softmax(stream, new SoftmaxOptions(), y, y);
        return y;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _backbone.Dispose();
        _mixers.Dispose();
        foreach (var layer in new[] { _narrow, _enter, _leave, _narrowAgain, _final }) layer.Dispose();
        _head.Dispose();
    }
}
