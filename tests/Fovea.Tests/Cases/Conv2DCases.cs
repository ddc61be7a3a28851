namespace Fovea.Tests.Cases;

public sealed class Conv2DCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Case("mtcnn p-net 1", new Conv2DOptions(3, 10, 3) { Activation = Activation.PRelu }, 1, 23, 31),
        Case("3x3 same", new Conv2DOptions(16, 32, 3) { Padding = 1, Activation = Activation.Relu }, 2, 14, 14, residual: true),
        Case("1x1", new Conv2DOptions(24, 40, 1), 1, 17, 5),
        Case("5x5 stride 2 odd", new Conv2DOptions(7, 9, 5) { Stride = 2, Padding = 2 }, 1, 19, 22),
        Case("dilated", new Conv2DOptions(8, 8, 3) { Dilation = 2, Padding = 2 }, 1, 11, 13),
        Case("depthwise", new Conv2DOptions(33, 33, 3) { Groups = 33, Padding = 1, Activation = Activation.Relu6 }, 1, 12, 9),
        Case("grouped", new Conv2DOptions(12, 18, 3) { Groups = 3 }, 2, 8, 8),
        Case("no rows", new Conv2DOptions(4, 4, 3), 0, 8, 8),
    ];

    private static KernelCase Case(string name, Conv2DOptions options, int n, int h, int w, bool residual = false)
    {
        var (oh, ow) = options.OutputSize(h, w);
        var taps = (long)options.KernelHeight * options.KernelWidth * options.InChannels / options.Groups;
        return new KernelCase($"conv2d {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, n, h, w, options.InChannels));
            using var weights = Data.Tensor(stream, 2, options.OutChannels, options.KernelHeight, options.KernelWidth, options.InChannels / options.Groups);
            var prepared = run.Own(Kernels.PrepareConv2D(stream, options, weights));
            var bias = run.Own(Data.Tensor(stream, 3, options.OutChannels));
            var slope = options.Activation.Kind == ActivationKind.PRelu ? run.Own(Data.Tensor(stream, 4, options.OutChannels)) : null;
            var skip = residual ? run.Own(Data.Tensor(stream, 5, n, oh, ow, options.OutChannels)) : null;
            var y = run.Output(Data.Empty(stream, n, oh, ow, options.OutChannels));
            run.Call = s => Kernels.Conv2D(s, options, x, prepared, bias, slope, skip, y);
            return run;
        })
        {
            Tolerance = SumTolerance(options, taps),
            PropagatesNan = n > 0,
            Bytes = 4 * (n * (long)h * w * options.InChannels + taps * options.OutChannels + n * oh * ow * options.OutChannels),
            Flops = 2 * taps * n * oh * ow * options.OutChannels,
        };
    }

    /// <summary>Rounding of a sum of that many products of values in [-1, 1): worst case its square, in practice far below; Winograd's
    /// transforms multiply by up to 5*5 and add what nearly cancels, which costs an order of magnitude at most.</summary>
    internal static double SumTolerance(Conv2DOptions options, long products)
    {
        bool winograd = options is { AllowWinograd: true, KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 1, Groups: 1 };
        return products * (winograd ? 10 : 1) * 1.2e-7;
    }
}
