using Fovea.Data;

namespace Fovea.Models.BlazeFace;

/// <summary>The network for faces up to five metres away: 192 x 192 pixels, one anchor for each cell of a 48 x 48 map, which a top-down path
/// fills from coarser maps as a feature pyramid does.</summary>
public sealed class FullRangeNet : BlazeFaceNet
{
    private static readonly (int Cells, int PerCell)[] Maps = [(48, 1)];

    private readonly Sequential[] _stages;
    private readonly Merge[] _merges;
    private readonly Conv2DLayer _scores;
    private readonly Conv2DLayer _regressors;

    /// <summary>Loads the network from <c>full_range.tflite</c>.</summary>
    /// <exception cref="InvalidDataException">The file holds another network.</exception>
    public FullRangeNet(DeviceStream stream, TfliteModel model)
    {
        var w = new TfliteConvolutions(model);
        BlazeBlock Block(int inputs, int outputs, int bottleneck, int stride = 1) => new(stream, w, inputs, outputs, stride, bottleneck);
        Merge Join(int above, int lateral, int channels, int bottleneck, int blocks) => new(
            w.Convolution(stream, above, channels, 1, 1, Activation.Relu),
            w.Convolution(stream, lateral, channels, 1, 1, Activation.Relu),
            new Sequential([.. Enumerable.Range(0, blocks).Select(_ => Block(channels, channels, bottleneck))]));
        _stages =
        [
            new Sequential(w.Convolution(stream, 3, 32, 3, 2, Activation.Relu), Block(32, 32, 8), Block(32, 32, 8),
                Block(32, 48, 12, 2), Block(48, 48, 12), Block(48, 64, 16)),
            new Sequential(Block(64, 96, 24, 2), Block(96, 128, 32), Block(128, 128, 32)),
            new Sequential(Block(128, 144, 36, 2), Block(144, 192, 48), Block(192, 256, 64)),
            new Sequential(Block(256, 384, 96, 2), Block(384, 384, 96), Block(384, 384, 96), Block(384, 384, 96)),
        ];
        _merges = [Join(384, 256, 96, 48, 2), Join(96, 128, 64, 32, 2), Join(64, 64, 48, 24, 1)];
        _scores = w.Convolution(stream, 48, 1, 1, 1, Activation.None);
        _regressors = w.Convolution(stream, 48, Outputs, 1, 1, Activation.None);
        w.RequireEnd();
    }

    /// <inheritdoc/>
    public override int InputSize => 192;

    private protected override IReadOnlyList<(int Cells, int PerCell)> Levels => Maps;

    /// <inheritdoc/>
    public override void Forward(DeviceStream stream, DeviceTensor image, DeviceTensor regressors, DeviceTensor scores)
    {
        using var first = _stages[0].Forward(stream, image);
        using var second = _stages[1].Forward(stream, first);
        using var third = _stages[2].Forward(stream, second);
        using var fourth = _stages[3].Forward(stream, third);
        using var low = _merges[0].Forward(stream, fourth, third);
        using var middle = _merges[1].Forward(stream, low, second);
        using var high = _merges[2].Forward(stream, middle, first);
        Head(stream, _scores, high, scores, 0, Maps[0]);
        Head(stream, _regressors, high, regressors, 0, Maps[0]);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var stage in _stages) stage.Dispose();
        foreach (var merge in _merges) merge.Dispose();
        _scores.Dispose();
        _regressors.Dispose();
    }

    /// <summary>One step of the top-down path: the coarser map, resized, plus a lateral view of the finer one, then blocks.</summary>
    private sealed class Merge(Conv2DLayer above, Conv2DLayer lateral, Sequential blocks) : IDisposable
    {
        public DeviceTensor Forward(DeviceStream stream, DeviceTensor coarse, DeviceTensor fine)
        {
            using var top = above.Forward(stream, coarse);
            using var side = lateral.Forward(stream, fine);
            using var upsampled = DeviceTensor.Allocate(stream, DType.Float32, side.Shape);
            Kernels.Resize(stream, new ResizeOptions(), top, upsampled);
            Kernels.Binary(stream, BinaryOp.Add, side, upsampled, side);
            return blocks.Forward(stream, side);
        }

        public void Dispose()
        {
            above.Dispose();
            lateral.Dispose();
            blocks.Dispose();
        }
    }
}
