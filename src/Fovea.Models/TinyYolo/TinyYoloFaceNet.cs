using Fovea.Data;

namespace Fovea.Models.TinyYolo;

/// <summary>A tiny YOLO v2 (Redmon and Farhadi, "YOLO9000", 2017) of separable convolutions that finds faces; weights and layout as the
/// "tiny face detector" of face-api.js has them. 193,321 parameters.</summary>
/// <remarks>Immutable after construction, so any number of streams of the same device may use it at once.</remarks>
public sealed class TinyYoloFaceNet : IDisposable
{
    /// <summary>Side of the input in pixels.</summary>
    public const int InputSize = 416;

    /// <summary>Cells along a side of the output map.</summary>
    public const int Cells = 13;

    /// <summary>Columns of an output row: centre x and y in the cell as logits, width and height as logarithms of the anchor's, and the
    /// logit of a face.</summary>
    public const int Outputs = 5;

    private const string File = "tiny_face_detector_model-weights_manifest.json";

    private static readonly (float Width, float Height)[] AnchorSizes =
        [(1.603231f, 2.094468f), (6.041143f, 7.080126f), (2.882459f, 3.518061f), (4.266906f, 5.178857f), (9.041765f, 10.66308f)];

    private static readonly Activation Leaky = Activation.LeakyRelu(0.1f);

    private readonly Sequential _layers;

    /// <summary>Loads the network from its weights.</summary>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape.</exception>
    public TinyYoloFaceNet(DeviceStream stream, TfjsWeights weights)
    {
        Pool2DLayer Halve() => new(new Pool2DOptions(PoolMode.Max, 2, 2) { CeilMode = true });
        ILayer Separable(int index, int inputs, int outputs) => weights.Separable(
            stream, SeparableConv2DOptions.Create(inputs, outputs, kernel: 3, stride: 1, padding: 1, Activation.None, Leaky),
            $"conv{index}/depthwise_filter", depthwiseBias: null, $"conv{index}/pointwise_filter", $"conv{index}/bias");
        ILayer Convolution(int index, int inputs, int outputs, int kernel, Activation activation) => weights.Convolution(
            stream, new Conv2DOptions(inputs, outputs, kernel) { Activation = activation }, $"conv{index}/filters", $"conv{index}/bias");
        _layers = new Sequential(
            // Without padding: 416 to 414, then by halves, rounded up, to 207, 104, 52, 26 and 13.
            Convolution(0, 3, 16, 3, Leaky), Halve(),
            Separable(1, 16, 32), Halve(),
            Separable(2, 32, 64), Halve(),
            Separable(3, 64, 128), Halve(),
            Separable(4, 128, 256), Halve(),
            Separable(5, 256, 512), new Pool2DLayer(new Pool2DOptions(PoolMode.Max, 2, 1) { PadBottom = 1, PadRight = 1 }),
            Convolution(8, 512, AnchorSizes.Length * Outputs, 1, Activation.None));
    }

    /// <summary>Anchors of a cell: width and height in cells.</summary>
    public static ReadOnlySpan<(float Width, float Height)> Anchors => AnchorSizes;

    /// <summary>Loads the network from the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    public static TinyYoloFaceNet Load(DeviceStream stream, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return new TinyYoloFaceNet(stream, store.LoadTfjs("tiny-yolov2-face", File));
    }

    /// <summary>Enqueues the network: <c>[1, 416, 416, 3]</c> RGB, <c>(value - (117.001, 114.697, 97.404)) / 255</c>, to
    /// <c>[1, 13, 13, 25]</c>, that is rows of <see cref="Outputs"/> for each cell and anchor.</summary>
    public DeviceTensor Forward(DeviceStream stream, DeviceTensor image) => _layers.Forward(stream, image);

    /// <inheritdoc/>
    public void Dispose() => _layers.Dispose();
}
