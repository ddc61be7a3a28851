using Fovea.Data;

namespace Fovea.Models.BlazeFace;

/// <summary>The network for faces within two metres of a phone ("front"): 128 x 128 pixels, 896 anchors on maps of 16 x 16 and 8 x 8.</summary>
public sealed class ShortRangeNet : BlazeFaceNet
{
    private readonly TwoMapDetector _layers;

    /// <summary>Loads the network from <c>short_range.tflite</c>.</summary>
    /// <exception cref="InvalidDataException">The file holds another network.</exception>
    public ShortRangeNet(DeviceStream stream, TfliteModel model)
    {
        var w = new TfliteConvolutions(model);
        BlazeBlock Block(int inputs, int outputs, int stride = 1) => new(stream, w, inputs, outputs, stride);
        var fine = new Sequential(
            w.Convolution(stream, 3, 24, 5, 2, Activation.Relu),
            Block(24, 24), Block(24, 28), Block(28, 32, 2), Block(32, 36), Block(36, 42), Block(42, 48, 2),
            Block(48, 56), Block(56, 64), Block(64, 72), Block(72, 80), Block(80, 88));
        var coarse = new Sequential(Block(88, 96, 2), Block(96, 96), Block(96, 96), Block(96, 96), Block(96, 96));
        _layers = new TwoMapDetector(stream, w, fine, 88, coarse);
    }

    /// <inheritdoc/>
    public override int InputSize => 128;

    private protected override IReadOnlyList<(int Cells, int PerCell)> Levels => TwoMapDetector.Maps;

    /// <inheritdoc/>
    public override void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor regressors, DeviceTensor scores) =>
        _layers.Forward(stream, image, regressors, scores);

    /// <inheritdoc/>
    public override void Dispose() => _layers.Dispose();
}
