namespace Fovea.Tests.Cases;

public sealed class DeformConv2DCases : IKernelCases
{
    private const int N = 2, H = 9, W = 8;

    public IEnumerable<KernelCase> Cases => Layers.SelectMany(l => (KernelCase[])[Forward(l.Name, l.Options, l.Masked), Backward(l.Name, l.Options, l.Masked)]);

    private static IEnumerable<(string Name, DeformConv2DOptions Options, bool Masked)> Layers =>
    [
        ("3x3", new DeformConv2DOptions { Conv = new Conv2DOptions(21, 17, 3) { Padding = 1 } }, false),
        ("3x3 stride 2, masked", new DeformConv2DOptions { Conv = new Conv2DOptions(16, 40, 3) { Padding = 1, Stride = 2, Activation = Activation.Relu } }, true),
        ("2x2 grouped, masked", new DeformConv2DOptions { Conv = new Conv2DOptions(12, 6, 2) { Groups = 2 }, OffsetGroups = 3 }, true),
    ];

    private static KernelCase Forward(string name, DeformConv2DOptions options, bool masked)
    {
        var (oh, ow) = options.OutputSize(H, W);
        var conv = options.Conv;
        return new KernelCase($"deform_conv2d {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, N, H, W, conv.InChannels));
            var (offsets, mask, weights) = Parameters(run, stream, options, masked);
            var bias = run.Own(Data.Tensor(stream, 5, conv.OutChannels));
            var y = run.Output(Data.Empty(stream, N, oh, ow, conv.OutChannels));
            run.Call = s => Kernels.DeformConv2D(s, options, x, offsets, mask, weights, bias, y);
            return run;
        })
        { Tolerance = Terms(conv) * 2.4e-7, Flops = 2 * N * oh * ow * Terms(conv) * conv.OutChannels };
    }

    private static KernelCase Backward(string name, DeformConv2DOptions options, bool masked)
    {
        var (oh, ow) = options.OutputSize(H, W);
        var conv = options.Conv;
        return new KernelCase($"deform_conv2d_backward {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, N, H, W, conv.InChannels));
            var (offsets, mask, weights) = Parameters(run, stream, options, masked);
            var dy = run.Input(Data.Tensor(stream, 6, N, oh, ow, conv.OutChannels));
            var gradients = new DeformConv2DGradients
            {
                X = run.Output(Data.Empty(stream, x.Shape)),
                Offsets = run.Output(Data.Empty(stream, offsets.Shape)),
                Mask = mask is null ? null : run.Output(Data.Empty(stream, mask.Shape)),
                Weights = run.Output(Data.Empty(stream, weights.Shape)),
                Bias = run.Output(Data.Empty(stream, conv.OutChannels)),
            };
            run.Call = s => Kernels.DeformConv2DBackward(s, options, x, offsets, mask, weights, dy, gradients);
            return run;
        })
        // The longest sums: outputs times taps and corners for dx, times channels for the offsets, positions for the weights.
        { Tolerance = 4 * conv.OutChannels * Math.Max(Terms(conv) / 9 * 4, 36) * 1.2e-7, Flops = 6 * N * oh * ow * Terms(conv) * conv.OutChannels };
    }

    // Offsets reach two cells far: samples leave the image on every side.
    private static (DeviceTensor Offsets, DeviceTensor? Mask, DeviceTensor Weights) Parameters(KernelRun run, DeviceStream stream, DeformConv2DOptions options, bool masked)
    {
        var (oh, ow) = options.OutputSize(H, W);
        var conv = options.Conv;
        var count = N * oh * ow * options.OffsetChannels;
        return (run.Own(DeviceTensor.From<float>(stream, Data.Floats(count, 2, -2, 2), N, oh, ow, options.OffsetChannels)),
            masked ? run.Own(DeviceTensor.From<float>(stream, Data.Floats(count / 2, 3, 0, 1), N, oh, ow, options.OffsetChannels / 2)) : null,
            run.Own(Data.Tensor(stream, 4, conv.OutChannels, conv.KernelHeight, conv.KernelWidth, conv.InChannels / conv.Groups)));
    }

    private static long Terms(Conv2DOptions o) => (long)o.KernelHeight * o.KernelWidth * o.InChannels / o.Groups;
}
