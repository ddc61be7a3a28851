namespace Fovea.Models.BlazeFace;

/// <summary>What the networks for near faces have in common: a map of 16 x 16 cells with 2 anchors each, one of 8 x 8 with 6, and on both a
/// head for scores and one for boxes and points.</summary>
internal sealed class TwoMapDetector : IDisposable
{
    public static readonly (int Cells, int PerCell)[] Maps = [(16, 2), (8, 6)];

    private readonly ILayer[] _stages;
    private readonly Conv2DLayer[] _scores;
    private readonly Conv2DLayer[] _regressors;

    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="weights">The file, up to the heads: those for scores, then those for boxes.</param>
    /// <param name="fine">From the image to the fine map.</param>
    /// <param name="fineChannels">Its channels.</param>
    /// <param name="coarse">From there to the coarse map of 96 channels.</param>
    public TwoMapDetector(DeviceStream stream, ConvolutionSource weights, ILayer fine, int fineChannels, ILayer coarse)
    {
        _stages = [fine, coarse];
        Conv2DLayer[] Heads(int outputs) =>
        [
            weights.Convolution(stream, fineChannels, Maps[0].PerCell * outputs, 1, 1, Activation.None),
            weights.Convolution(stream, 96, Maps[1].PerCell * outputs, 1, 1, Activation.None),
        ];
        _scores = Heads(1);
        _regressors = Heads(BlazeFaceNet.Outputs);
        weights.RequireEnd();
    }

    public void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor regressors, DeviceTensor scores)
    {
        using var fine = _stages[0].Forward(stream, image);
        using var coarse = _stages[1].Forward(stream, fine);
        int first = 0;
        for (int i = 0; i < Maps.Length; i++)
        {
            var features = i == 0 ? fine : coarse;
            BlazeFaceNet.Head(stream, _scores[i], features, scores, first, Maps[i]);
            BlazeFaceNet.Head(stream, _regressors[i], features, regressors, first, Maps[i]);
            first += Maps[i].Cells * Maps[i].Cells * Maps[i].PerCell;
        }
    }

    public void Dispose()
    {
        foreach (var layer in (ILayer[])[.. _stages, .. _scores, .. _regressors]) layer.Dispose();
    }
}
