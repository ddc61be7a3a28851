namespace Fovea.Tests.Cases;

public sealed class Pool2DCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Case("max 2 stride 2 ceil", new Pool2DOptions(PoolMode.Max, 2, 2) { CeilMode = true }, 1, 21, 29, 10),
        Case("max 3 stride 2 padded", new Pool2DOptions(PoolMode.Max, 3, 2, 1), 2, 13, 12, 33),
        Case("average 3", new Pool2DOptions(PoolMode.Average, 3, 1, 1), 1, 9, 7, 5),
        Case("average include pad", new Pool2DOptions(PoolMode.Average, 3, 2, 1) { CountIncludePad = true, CeilMode = true }, 1, 10, 10, 16),
        Adaptive("global average", PoolMode.Average, 1, 1),
        Adaptive("max 3x2", PoolMode.Max, 3, 2),
    ];

    private static KernelCase Case(string name, Pool2DOptions options, int n, int h, int w, int c)
    {
        var (oh, ow) = options.OutputSize(h, w);
        return new KernelCase($"pool2d {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, n, h, w, c));
            var y = run.Output(Data.Empty(stream, n, oh, ow, c));
            run.Call = s => Kernels.Pool2D(s, options, x, y);
            return run;
        })
        {
            Tolerance = options.Mode == PoolMode.Max ? 0 : 1e-6,
            PropagatesNan = true,
            Bytes = 4L * n * c * (h * w + oh * ow),
            Flops = n * c * oh * ow * options.KernelHeight * options.KernelWidth,
        };
    }

    private static KernelCase Adaptive(string name, PoolMode mode, int oh, int ow) => new($"adaptive_pool2d {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, 2, 7, 5, 19));
        var y = run.Output(Data.Empty(stream, 2, oh, ow, 19));
        run.Call = s => Kernels.AdaptivePool2D(s, mode, x, y);
        return run;
    })
    { Tolerance = mode == PoolMode.Max ? 0 : 2e-6, PropagatesNan = true, Bytes = 4L * 2 * 19 * (35 + oh * ow), Flops = 2 * 19 * 35 };
}
