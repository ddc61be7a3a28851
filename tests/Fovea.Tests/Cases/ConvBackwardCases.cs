namespace Fovea.Tests.Cases;

/// <summary>Gradients of convolutions, transposed and separable ones.</summary>
public sealed class ConvBackwardCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        .. Layers.SelectMany(l => (KernelCase[])[BackwardData(l.Name, l.Options), BackwardWeights(l.Name, l.Options)]),
        Transposed("k2 s2", new ConvTranspose2DOptions { Conv = new Conv2DOptions(16, 8, 2) { Stride = 2 } }),
        Transposed("k4 s2 p1 relu", new ConvTranspose2DOptions { Conv = new Conv2DOptions(5, 7, 4) { Stride = 2, Padding = 1, Activation = Activation.Relu } }),
        Transposed("k3 s2 p1, output pad", new ConvTranspose2DOptions { Conv = new Conv2DOptions(24, 17, 3) { Stride = 2, Padding = 1 }, OutputPadHeight = 1, OutputPadWidth = 1 }),
        Transposed("k3 s1 grouped", new ConvTranspose2DOptions { Conv = new Conv2DOptions(6, 9, 3) { Padding = 1, Groups = 3 } }),
        Separable("3x3", 33, 40, 1),
        Separable("3x3 stride 2", 16, 24, 2),
    ];

    private static IEnumerable<(string Name, Conv2DOptions Options)> Layers =>
    [
        ("3x3 same", new Conv2DOptions(16, 32, 3) { Padding = 1 }),
        ("1x1", new Conv2DOptions(24, 40, 1)),
        ("5x5 stride 2 odd", new Conv2DOptions(7, 9, 5) { Stride = 2, Padding = 2 }),
        ("3x3 stride 3 dilated", new Conv2DOptions(8, 8, 3) { Stride = 3, Dilation = 2, Padding = 1 }),
        ("depthwise", new Conv2DOptions(33, 33, 3) { Groups = 33, Padding = 1 }),
        ("grouped", new Conv2DOptions(12, 18, 3) { Groups = 3 }),
    ];

    private const int N = 2, H = 13, W = 11;

    private static KernelCase BackwardData(string name, Conv2DOptions options)
    {
        var (oh, ow) = options.OutputSize(H, W);
        return new KernelCase($"conv2d_backward_data {name}", stream =>
        {
            var run = new KernelRun();
            var dy = run.Input(Data.Tensor(stream, 1, N, oh, ow, options.OutChannels));
            using var weights = Weights(stream, options);
            var prepared = run.Own(Kernels.PrepareConv2DBackwardData(stream, options, weights));
            var dx = run.Output(Data.Empty(stream, N, H, W, options.InChannels));
            run.Call = s => Kernels.Conv2DBackwardData(s, options, dy, prepared, dx);
            return run;
        })
        { Tolerance = Conv2DCases.SumTolerance(options, Taps(options) * options.OutChannels / options.Groups), PropagatesNan = true, Flops = Flops(options, oh, ow) };
    }

    private static KernelCase BackwardWeights(string name, Conv2DOptions options)
    {
        var (oh, ow) = options.OutputSize(H, W);
        return new KernelCase($"conv2d_backward_weights {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, N, H, W, options.InChannels));
            var dy = run.Input(Data.Tensor(stream, 2, N, oh, ow, options.OutChannels));
            var dw = run.Output(Data.Empty(stream, options.OutChannels, options.KernelHeight, options.KernelWidth, options.InChannels / options.Groups));
            var dbias = run.Output(Data.Empty(stream, options.OutChannels));
            run.Call = s =>
            {
                Kernels.Conv2DBackwardWeights(s, options, x, dy, dw, dbias);
                Kernels.Conv2DBackwardWeights(s, options, x, dy, dw, dbias, accumulate: true);
            };
            return run;
        })
        { Tolerance = 2 * N * oh * ow * 1.2e-7, Flops = 2 * Flops(options, oh, ow) };
    }

    private static KernelCase Transposed(string name, ConvTranspose2DOptions options)
    {
        var (oh, ow) = options.OutputSize(H, W);
        var conv = options.Conv;
        return new KernelCase($"conv_transpose2d {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, N, H, W, conv.InChannels));
            using var weights = Weights(stream, conv);
            var prepared = run.Own(Kernels.PrepareConvTranspose2D(stream, options, weights));
            var bias = run.Own(Data.Tensor(stream, 3, conv.OutChannels));
            var y = run.Output(Data.Empty(stream, N, oh, ow, conv.OutChannels));
            run.Call = s => Kernels.ConvTranspose2D(s, options, x, prepared, bias, null, y);
            return run;
        })
        { Tolerance = Conv2DCases.SumTolerance(conv, Taps(conv) * conv.InChannels), PropagatesNan = true, Flops = Flops(conv, H, W) };
    }

    private static KernelCase Separable(string name, int channels, int outChannels, int stride)
    {
        var options = SeparableConv2DOptions.Create(channels, outChannels, 3, stride, 1, Activation.Relu6, Activation.Relu);
        var (oh, ow) = options.OutputSize(H, W);
        return new KernelCase($"separable_conv2d {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, N, H, W, channels));
            using var depthwise = Data.Tensor(stream, 2, channels, 3, 3);
            using var pointwise = Data.Tensor(stream, 3, outChannels, channels);
            var prepared = run.Own(Kernels.PrepareSeparableConv2D(stream, options, depthwise, pointwise));
            var depthwiseBias = run.Own(Data.Tensor(stream, 4, channels));
            var bias = run.Own(Data.Tensor(stream, 5, outChannels));
            var residual = run.Own(Data.Tensor(stream, 6, N, oh, ow, outChannels));
            var y = run.Output(Data.Empty(stream, N, oh, ow, outChannels));
            run.Call = s => Kernels.SeparableConv2D(s, options, x, prepared, depthwiseBias, bias, null, residual, y);
            return run;
        })
        // Depthwise values reach 6, so the pointwise sum is of terms up to 6.
        { Tolerance = 6 * channels * 1.2e-7, PropagatesNan = true, Flops = 2L * N * oh * ow * channels * (9 + outChannels) };
    }

    private static DeviceTensor Weights(DeviceStream stream, Conv2DOptions o) => Data.Tensor(stream, 9, o.OutChannels, o.KernelHeight, o.KernelWidth, o.InChannels / o.Groups);

    private static long Taps(Conv2DOptions o) => (long)o.KernelHeight * o.KernelWidth;

    private static long Flops(Conv2DOptions o, long height, long width) => 2 * Taps(o) * N * height * width * o.InChannels / o.Groups * o.OutChannels;
}
