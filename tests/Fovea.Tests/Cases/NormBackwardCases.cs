namespace Fovea.Tests.Cases;

public sealed class NormBackwardCases : IKernelCases
{
    // dx: terms of up to |dy gamma| / deviation = 2 with float sums at most 42 additions deep. dgamma and dbeta: float sums over 32
    // rows at most, of terms below 2.
    private const double Tolerance = 3e-5;

    private delegate void Backward(DeviceStream stream, DeviceTensor x, DeviceTensor gamma, DeviceTensor dy, DeviceTensor dx,
        DeviceTensor? dgamma, DeviceTensor? dbeta);

    public IEnumerable<KernelCase> Cases =>
    [
        Layer("128x768", new LayerNormOptions(), [128, 768]),
        Layer("rms 5x3x33", new LayerNormOptions { Rms = true, Epsilon = 1e-6f }, [5, 3, 33]),
        Layer("7x65 dx alone", new LayerNormOptions(), [7, 65], parameters: false),
        Group("2x7x9x32 by 8", new GroupNormOptions(8), [2, 7, 9, 32]),
        Group("1x31x33x64 by 2", new GroupNormOptions(2), [1, 31, 33, 64]),
        Group("3x5x5x19 instance", new GroupNormOptions(19), [3, 5, 5, 19]),
        Group("rms 2x5x6 by 3", new GroupNormOptions(3) { Rms = true, Epsilon = 1e-3f }, [2, 5, 6]),
        Batch("2x9x11x40", training: true, [2, 9, 11, 40]),
        Batch("frozen 3x5x7", training: false, [3, 5, 7]),
    ];

    private static KernelCase Layer(string name, LayerNormOptions options, long[] shape, bool parameters = true) =>
        Case($"layer_norm_backward {name}", shape, parameters, (s, x, gamma, dy, dx, dgamma, dbeta) =>
            Kernels.LayerNormBackward(s, options, x, gamma, dy, dx, dgamma, dbeta));

    private static KernelCase Group(string name, GroupNormOptions options, long[] shape) =>
        Case($"group_norm_backward {name}", shape, true, (s, x, gamma, dy, dx, dgamma, dbeta) =>
            Kernels.GroupNormBackward(s, options, x, gamma, dy, dx, dgamma, dbeta));

    // gamma stands for the statistics too: any mean and rstd will do.
    private static KernelCase Batch(string name, bool training, long[] shape) =>
        Case($"batch_norm_backward {name}", shape, true, (s, x, gamma, dy, dx, dgamma, dbeta) =>
            Kernels.BatchNormBackward(s, new BatchNormOptions { Training = training }, x, gamma, gamma, gamma, dy, dx, dgamma, dbeta), training);

    // A NaN in x reaches dx unless the statistics are constants.
    private static KernelCase Case(string name, long[] shape, bool parameters, Backward backward, bool nan = true)
    {
        var count = shape.Aggregate(1L, (p, q) => p * q);
        return new KernelCase(name, stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, shape));
            var dy = run.Input(Data.Tensor(stream, 2, shape));
            var gamma = run.Input(Data.Tensor(stream, 3, shape[^1]));
            var dx = run.Output(Data.Empty(stream, shape));
            var dgamma = parameters ? run.Output(Data.Empty(stream, shape[^1])) : null;
            var dbeta = parameters ? run.Output(Data.Empty(stream, shape[^1])) : null;
            run.Call = s => backward(s, x, gamma, dy, dx, dgamma, dbeta);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = nan, Bytes = 12 * count, Flops = 20 * count };
    }
}
