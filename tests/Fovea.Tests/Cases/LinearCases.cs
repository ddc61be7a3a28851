namespace Fovea.Tests.Cases;

public sealed class LinearCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Case("1x576x128", 1, 576, 128, Activation.PRelu),
        Case("7x31x5", 7, 31, 5, Activation.None),
        Case("33x64x65", 33, 64, 65, Activation.Relu),
        Case("0x8x8", 0, 8, 8, Activation.None),
        Case("1x576x128 bf16", 1, 576, 128, Activation.PRelu, WeightFormat.BFloat16),
        Case("33x65x70 bf16", 33, 65, 70, Activation.None, WeightFormat.BFloat16),
        Case("1x576x128 int8", 1, 576, 128, Activation.PRelu, WeightFormat.Int8),
        Case("33x65x70 int8", 33, 65, 70, Activation.Relu, WeightFormat.Int8),
        Live(),
    ];

    private static KernelCase Case(string name, int m, int k, int n, Activation activation, WeightFormat format = WeightFormat.Float32)
    {
        var options = new LinearOptions { InFeatures = k, OutFeatures = n, Activation = activation, Weights = format };
        return new KernelCase($"linear {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, m, k));
            using var weights = Data.Tensor(stream, 2, n, k);
            var prepared = run.Own(Kernels.PrepareLinear(stream, options, weights));
            var bias = run.Own(Data.Tensor(stream, 3, n));
            var slope = activation.Kind == ActivationKind.PRelu ? run.Own(Data.Tensor(stream, 4, n)) : null;
            var y = run.Output(Data.Empty(stream, m, n));
            run.Call = s => Kernels.Linear(s, options, x, prepared, bias, slope, y);
            return run;
        })
        { Tolerance = k * 1.2e-7, PropagatesNan = m > 0, Bytes = 4L * (m * k + k * n + m * n), Flops = 2L * m * k * n };
    }

    /// <summary>Only the rows that the count names are computed.</summary>
    private static KernelCase Live() => new("linear live 5 of 12", stream =>
    {
        var options = new LinearOptions { InFeatures = 16, OutFeatures = 10 };
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, 12, 16));
        var count = run.Own(DeviceTensor.From<int>(stream, [3, 5], 2));
        using var weights = Data.Tensor(stream, 2, 10, 16);
        var prepared = run.Own(Kernels.PrepareLinear(stream, options, weights));
        var live = x.WithLive(count, 1);
        var y = run.Output(Data.Empty(stream, 12, 10));
        run.Call = s => Kernels.Linear(s, options, live, prepared, null, null, y);
        return run;
    })
    { Tolerance = 16 * 1.2e-7 };
}
