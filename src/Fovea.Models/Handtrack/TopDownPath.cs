using Fovea.Data;

namespace Fovea.Models.Handtrack;

/// <summary>The top-down path of a feature pyramid (Lin et al., "Feature Pyramid Networks", 2017) with separable smoothing: a coarser map,
/// every cell repeated 2x2, is added to a lateral view of the finer one. The smoothed sum is what the next step repeats.</summary>
internal sealed class TopDownPath : IDisposable
{
    /// <summary>Channels of all maps.</summary>
    public const int Channels = 128;

    /// <param name="stream">Whose pool holds the weights.</param>
    /// <param name="weights">The file.</param>
    /// <param name="name">Prefix of the nodes' names.</param>
    /// <param name="inputs">Channels of the maps that come in, finest first.</param>
    public TopDownPath(DeviceStream stream, TfjsWeights weights, string name, ReadOnlySpan<int> inputs)
    {
        Laterals = new Conv2DLayer[inputs.Length];
        Smoothing = new SeparableConv2DLayer[inputs.Length - 1];
        for (int level = 0; level < inputs.Length; level++)
        {
            string lateral = $"{name}/projection_{level + 1}";
            Laterals[level] = weights.Convolution(
                stream, new Conv2DOptions(inputs[level], Channels, 1), $"{lateral}/Conv2D/ReadVariableOp", $"{lateral}/BiasAdd/ReadVariableOp");
            if (level < Smoothing.Length)
                Smoothing[level] = weights.FoldedSeparable(stream, $"{name}/smoothing_{level + 1}_depthwise_conv/separable_conv2d");
        }
    }

    /// <summary>To the pyramid's channels, finest first.</summary>
    public Conv2DLayer[] Laterals { get; }

    /// <summary>Behind the sums, finest first.</summary>
    public SeparableConv2DLayer[] Smoothing { get; }

    /// <summary>Adds <paramref name="coarse"/> <c>[1, H, W, C]</c>, repeated, to <paramref name="fine"/> <c>[1, 2 H, 2 W, C]</c>.</summary>
    public static void AddRepeated(DeviceStream stream, DeviceTensor coarse, DeviceTensor fine)
    {
        using var repeated = DeviceTensor.Allocate(stream, DType.Float32, fine.Shape);
        Kernels.Resize(stream, new ResizeOptions { Mode = ResizeMode.Nearest }, coarse, repeated);
        Kernels.Binary(stream, BinaryOp.Add, repeated, fine, fine);
    }

    /// <summary>Enqueues the path. The result's maps, finest first, are the caller's.</summary>
    public DeviceTensor[] Forward(DeviceStream stream, params ReadOnlySpan<DeviceTensor> maps)
    {
        var pyramid = new DeviceTensor[maps.Length];
        pyramid[^1] = Laterals[^1].Forward(stream, maps[^1]);
        for (int level = maps.Length - 2; level >= 0; level--)
        {
            using var sum = Laterals[level].Forward(stream, maps[level]);
            AddRepeated(stream, pyramid[level + 1], sum);
            pyramid[level] = Smoothing[level].Forward(stream, sum);
        }

        return pyramid;
    }

    public void Dispose()
    {
        foreach (var lateral in Laterals) lateral.Dispose();
        foreach (var smoothing in Smoothing) smoothing.Dispose();
    }
}
