using Fovea.Data;

namespace Fovea.Models.BlazeFace;

/// <summary>The network for the camera on a phone's back: 256 x 256 pixels, 896 anchors on maps of 16 x 16 and 8 x 8. 134,704
/// parameters.</summary>
public sealed class BackCameraNet : BlazeFaceNet
{
    // Blocks of a stage that keep the map's size; one that halves it follows.
    private const int PerStage = 7;

    private readonly TwoMapDetector _layers;

    /// <summary>Loads the network from the TensorFlow.js conversion of <c>face_detection_back.tflite</c>.</summary>
    /// <exception cref="InvalidDataException">The weights are those of another network.</exception>
    public BackCameraNet(DeviceStream stream, TfjsWeights weights)
        : this(stream, new TfjsConvolutions(weights, [.. Names()]))
    {
    }

    internal BackCameraNet(DeviceStream stream, ConvolutionSource weights)
    {
        BlazeBlock Block(int inputs, int outputs, int stride = 1) => new(stream, weights, inputs, outputs, stride);
        var layers = new List<ILayer> { weights.Convolution(stream, 3, 24, 5, 2, Activation.Relu) };
        void Stage(int channels)
        {
            for (int i = 0; i < PerStage; i++) layers.Add(Block(channels, channels));
        }

        Stage(24);
        layers.Add(Block(24, 24, 2));
        Stage(24);
        layers.Add(Block(24, 48, 2));
        Stage(48);
        layers.Add(Block(48, 96, 2));
        Stage(96);
        // The last one has no shortcut.
        var coarse = weights.Separable(stream, 96, 96, 2, Activation.None, Activation.Relu);
        _layers = new TwoMapDetector(stream, weights, new Sequential([.. layers]), 96, coarse);
    }

    /// <inheritdoc/>
    public override int InputSize => 256;

    private protected override IReadOnlyList<(int Cells, int PerCell)> Levels => TwoMapDetector.Maps;

    /// <inheritdoc/>
    public override void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor regressors, DeviceTensor scores) =>
        _layers.Forward(stream, image, regressors, scores);

    /// <inheritdoc/>
    public override void Dispose() => _layers.Dispose();

    // The converter numbered the weights: four to a separable convolution, of which the second, the depthwise bias, went into the fourth.
    // Of the heads the last numbers are the first.
    private static IEnumerable<(string Kernel, string? Bias)> Names()
    {
        const int blocks = 4 * PerStage + 4;
        yield return ("unknown", "unknown_0");
        for (int i = 0; i < blocks; i++)
        {
            yield return ($"unknown_{4 * i + 1}", null);
            yield return ($"unknown_{4 * i + 3}", $"unknown_{4 * i + 4}");
        }

        for (int number = 4 * blocks + 7; number > 4 * blocks; number -= 2) yield return ($"unknown_{number}", $"unknown_{number + 1}");
    }
}
