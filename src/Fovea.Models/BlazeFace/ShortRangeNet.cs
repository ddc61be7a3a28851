using Fovea.Data;

namespace Fovea.Models.BlazeFace;

/// <summary>The network for faces within two metres of a phone ("front"): 128 x 128 pixels, 896 anchors on maps of 16 x 16 and 8 x 8.</summary>
public sealed class ShortRangeNet : BlazeFaceNet
{
    private static readonly (int Cells, int PerCell)[] Maps = [(16, 2), (8, 6)];

    private readonly Sequential _fine;
    private readonly Sequential _coarse;
    private readonly Conv2DLayer[] _scores;
    private readonly Conv2DLayer[] _regressors;

    /// <summary>Loads the network from <c>short_range.tflite</c>.</summary>
    /// <exception cref="InvalidDataException">The file holds another network.</exception>
    public ShortRangeNet(DeviceStream stream, TfliteModel model)
    {
        var w = new TfliteConvolutions(model);
        BlazeBlock Block(int inputs, int outputs, int stride = 1) => new(stream, w, inputs, outputs, stride);
        _fine = new Sequential(
            w.Convolution(stream, 3, 24, 5, 2, Activation.Relu),
            Block(24, 24), Block(24, 28), Block(28, 32, 2), Block(32, 36), Block(36, 42), Block(42, 48, 2),
            Block(48, 56), Block(56, 64), Block(64, 72), Block(72, 80), Block(80, 88));
        _coarse = new Sequential(Block(88, 96, 2), Block(96, 96), Block(96, 96), Block(96, 96), Block(96, 96));
        _scores = [w.Convolution(stream, 88, 2, 1, 1, Activation.None), w.Convolution(stream, 96, 6, 1, 1, Activation.None)];
        _regressors = [w.Convolution(stream, 88, 2 * Outputs, 1, 1, Activation.None), w.Convolution(stream, 96, 6 * Outputs, 1, 1, Activation.None)];
        w.RequireEnd();
    }

    /// <inheritdoc/>
    public override int InputSize => 128;

    private protected override IReadOnlyList<(int Cells, int PerCell)> Levels => Maps;

    /// <inheritdoc/>
    public override void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor regressors, DeviceTensor scores)
    {
        using var fine = _fine.Forward(stream, image);
        using var coarse = _coarse.Forward(stream, fine);
        int first = 0;
        for (int i = 0; i < Maps.Length; i++)
        {
            var features = i == 0 ? fine : coarse;
            Head(stream, _scores[i], features, scores, first, Maps[i]);
            Head(stream, _regressors[i], features, regressors, first, Maps[i]);
            first += Maps[i].Cells * Maps[i].Cells * Maps[i].PerCell;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _fine.Dispose();
        _coarse.Dispose();
        foreach (var head in (Conv2DLayer[])[.. _scores, .. _regressors]) head.Dispose();
    }
}
