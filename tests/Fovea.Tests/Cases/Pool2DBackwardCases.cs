namespace Fovea.Tests.Cases;

public sealed class Pool2DBackwardCases : IKernelCases
{
    // Sums of at most 9 values below 1, in any order.
    private const double Tolerance = 2e-6;

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
        return Case($"pool2d_backward {name}", options.Mode, [n, h, w, c], oh, ow, (s, x, dy, dx) => Kernels.Pool2DBackward(s, options, x, dy, dx));
    }

    private static KernelCase Adaptive(string name, PoolMode mode, long oh, long ow) =>
        Case($"adaptive_pool2d_backward {name}", mode, [2, 7, 5, 19], oh, ow, (s, x, dy, dx) => Kernels.AdaptivePool2DBackward(s, mode, x, dy, dx));

    // A NaN comes from dy: in x it only decides who gets it.
    private static KernelCase Case(string name, PoolMode mode, long[] shape, long oh, long ow,
        Action<DeviceStream, DeviceTensor?, DeviceTensor, DeviceTensor> backward) => new(name, stream =>
        {
            var run = new KernelRun();
            var dy = run.Input(Data.Tensor(stream, 1, shape[0], oh, ow, shape[3]));
            var x = mode == PoolMode.Max ? run.Input(Data.Tensor(stream, 2, shape)) : null;
            var dx = run.Output(Data.Empty(stream, shape));
            run.Call = s => backward(s, x, dy, dx);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = true, Bytes = 4 * shape[0] * shape[3] * (shape[1] * shape[2] * (mode == PoolMode.Max ? 2 : 1) + oh * ow) };
}
