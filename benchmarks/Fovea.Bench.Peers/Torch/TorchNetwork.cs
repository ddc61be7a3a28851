using Fovea.Bench.Workloads.Network;
using TorchSharp;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Fovea.Bench.Peers.Torch;

/// <summary>The layers of a <see cref="NetworkWorkload"/>, called one by one.</summary>
internal sealed class TorchNetwork(NetworkWorkload workload, bool channelsLast) : IDisposable
{
    private readonly Tensor _x = Form(channelsLast, workload.X, NetworkExtents(workload));

    private readonly Dictionary<string, (Tensor Weights, Tensor Bias, Tensor Slope)> _constants = workload.Layers.OfType<ConvStep>().ToDictionary(
        step => step.Output,
        step => (Form(channelsLast, step.Weights, step.Shape.OutChannels, step.Shape.Kernel, step.Shape.Kernel, step.Shape.InChannels / step.Shape.Groups), tensor(step.Bias), tensor(step.Slope)));

    /// <summary>Channels-last data of any extents as a tensor [n][c][h][w]. TorchSharp has no setter for channels last: a permuted
    /// view of contiguous NHWC data is the same thing.</summary>
    public static Tensor Form(bool channelsLast, float[] data, params long[] extents)
    {
        using var last = tensor(data, extents);
        var view = last.permute(0, 3, 1, 2);
        if (channelsLast) return view;
        using (view) return view.contiguous();
    }

    /// <summary>The first of the network's outputs.</summary>
    public Tensor Run()
    {
        using var scope = NewDisposeScope();
        var maps = new Dictionary<string, Tensor> { [NetworkWorkload.Input] = _x };
        foreach (var step in workload.Layers) maps.Add(step.Output, Call(step, maps));
        return maps[workload.Outputs[0]].MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _x.Dispose();
        foreach (var (weights, bias, slope) in _constants.Values)
        {
            weights.Dispose();
            bias.Dispose();
            slope.Dispose();
        }
    }

    private Tensor Call(NetworkStep step, Dictionary<string, Tensor> maps)
    {
        var x = maps[step.Input];
        switch (step)
        {
            case ConvStep conv:
                var (weights, bias, slope) = _constants[conv.Output];
                var y = Functional.conv2d(x, weights, bias, [conv.Shape.Stride, conv.Shape.Stride], [conv.Shape.Padding, conv.Shape.Padding], [1, 1], conv.Shape.Groups);
                if (conv.Residual is { } residual) y = y.add_(Widened(maps[residual], conv.Shape.OutChannels));
                return conv.Activation.Kind switch
                {
                    ActivationKind.Relu => y.relu_(),
                    ActivationKind.Silu => Functional.silu(y, inplace: true),
                    ActivationKind.PRelu => Functional.prelu(y, slope),
                    _ => y,
                };
            case AddStep add:
                return x.add(maps[add.Other]);
            case ConcatStep concat:
                return cat([.. concat.Inputs.Select(map => maps[map])], 1);
            case PoolStep pool:
                var o = pool.Options;
                return Functional.max_pool2d(x, [o.KernelHeight, o.KernelWidth], [o.StrideHeight, o.StrideWidth], [o.PadTop, o.PadLeft], null, o.CeilMode);
            default:
                return Functional.softmax(x, 1);
        }
    }

    private static Tensor Widened(Tensor map, long channels) =>
        map.shape[1] == channels ? map : Functional.pad(map, [0, 0, 0, 0, 0, channels - map.shape[1]]);

    private static long[] NetworkExtents(NetworkWorkload workload)
    {
        var shape = workload.Shapes[NetworkWorkload.Input];
        return [1, shape.Height, shape.Width, shape.Channels];
    }
}
