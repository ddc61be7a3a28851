namespace Fovea.Tests.Cases;

public sealed class NormCases : IKernelCases
{
    // Float sums at most 42 additions deep, and a handful of roundings, on values below 4.
    private const double Tolerance = 1e-5;

    public IEnumerable<KernelCase> Cases =>
    [
        Layer("128x768", new LayerNormOptions(), [128, 768]),
        Layer("rms 5x3x33", new LayerNormOptions { Rms = true, Epsilon = 1e-6f }, [5, 3, 33]),
        Layer("9x100 with residual", new LayerNormOptions(), [9, 100], residual: true),
        Layer("rms 7x65 with residual and sum", new LayerNormOptions { Rms = true }, [7, 65], residual: true, sum: true),
        LayerInPlace(),
        Group("2x7x9x32 by 8", new GroupNormOptions(8), [2, 7, 9, 32]),
        Group("1x61x67x64 by 2", new GroupNormOptions(2), [1, 61, 67, 64]),
        Group("1x13x11x96 whole image", new GroupNormOptions(), [1, 13, 11, 96]),
        Group("3x5x5x19 instance", new GroupNormOptions(19), [3, 5, 5, 19]),
        Group("rms 2x5x6 by 3", new GroupNormOptions(3) { Rms = true, Epsilon = 1e-3f }, [2, 5, 6]),
    ];

    private static KernelCase Layer(string name, LayerNormOptions options, long[] shape, bool residual = false, bool sum = false)
    {
        var count = shape.Aggregate(1L, (p, q) => p * q);
        return new KernelCase($"layer_norm {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, shape));
            var added = residual ? run.Input(Data.Tensor(stream, 2, shape)) : null;
            var gamma = run.Input(Data.Tensor(stream, 3, shape[^1]));
            var beta = run.Input(Data.Tensor(stream, 4, shape[^1]));
            var y = run.Output(Data.Empty(stream, shape));
            var total = sum ? run.Output(Data.Empty(stream, shape)) : null;
            run.Call = s => Kernels.LayerNorm(s, options, x, added, gamma, beta, total, y);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = true, Bytes = 4 * count * (2 + (residual ? 1 : 0) + (sum ? 1 : 0)), Flops = 8 * count };
    }

    // y = x and sum = residual; both are made anew by copies, so that every run sees the same inputs.
    private static KernelCase LayerInPlace() => new("layer_norm 6x37 in place", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, 6, 37));
        var residual = run.Input(Data.Tensor(stream, 2, 6, 37));
        var y = run.Output(Data.Empty(stream, 6, 37));
        var sum = run.Output(Data.Empty(stream, 6, 37));
        run.Call = s =>
        {
            Kernels.Copy(s, x, y);
            Kernels.Copy(s, residual, sum);
            Kernels.LayerNorm(s, new LayerNormOptions(), y, sum, null, null, sum, y);
        };
        return run;
    })
    { Tolerance = Tolerance, PropagatesNan = true, Bytes = 16 * 6 * 37, Flops = 8 * 6 * 37 };

    private static KernelCase Group(string name, GroupNormOptions options, long[] shape)
    {
        var count = shape.Aggregate(1L, (p, q) => p * q);
        return new KernelCase($"group_norm {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, shape));
            var gamma = run.Input(Data.Tensor(stream, 2, shape[^1]));
            var beta = run.Input(Data.Tensor(stream, 3, shape[^1]));
            var y = run.Output(Data.Empty(stream, shape));
            run.Call = s => Kernels.GroupNorm(s, options, x, gamma, beta, y);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = true, Bytes = 8 * count, Flops = 8 * count };
    }
}
