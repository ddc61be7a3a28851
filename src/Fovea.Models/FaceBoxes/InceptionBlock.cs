using Fovea.Data;

namespace Fovea.Models.FaceBoxes;

/// <summary>Four views of a map side by side, 32 channels each: 1x1; pooled, then 1x1; 1x1 and 3x3; 1x1 and twice 3x3.</summary>
internal sealed class InceptionBlock : ILayer
{
    private const int Channels = 128, Path = Channels / 4, Narrow = 24;

    private static readonly Pool2DLayer Pool = new(new Pool2DOptions(PoolMode.Max, 3, 1, padding: 1));

    private readonly ILayer?[] _before;  // null where the last convolution takes x itself
    private readonly Conv2DLayer[] _last;

    public InceptionBlock(DeviceStream stream, TfjsWeights weights, string name)
    {
        Conv2DLayer Convolution(string path, int inputs, int outputs, int kernel) => weights.Convolution(
            stream, new Conv2DOptions(inputs, outputs, kernel) { Padding = kernel / 2, Activation = Activation.Relu },
            $"{name}/{path}/Conv2D_weights", $"{name}/{path}/Conv2D_bn_offset");
        _before =
        [
            null,
            Pool,
            Convolution("conv_1x1_path3", Channels, Narrow, 1),
            new Sequential(Convolution("conv_1x1_path4", Channels, Narrow, 1), Convolution("conv_3x3_path4", Narrow, Path, 3)),
        ];
        _last =
        [
            Convolution("conv_1x1_path1", Channels, Path, 1),
            Convolution("conv_1x1_path2", Channels, Path, 1),
            Convolution("conv_3x3_path3", Narrow, Path, 3),
            Convolution("conv_3x3_second_path4", Path, Path, 3),
        ];
    }

    public DeviceTensor Forward(DeviceStream stream, DeviceTensor x)
    {
        var joined = DeviceTensor.Allocate(stream, DType.Float32, x.Shape[0], x.Shape[1], x.Shape[2], Channels);
        for (int path = 0; path < _last.Length; path++)
        {
            using var between = _before[path]?.Forward(stream, x);
            _last[path].Forward(stream, between ?? x, joined.Columns(path * Path, Path));
        }

        return joined;
    }

    public void Dispose()
    {
        foreach (var layer in _before) layer?.Dispose();
        foreach (var layer in _last) layer.Dispose();
    }
}
