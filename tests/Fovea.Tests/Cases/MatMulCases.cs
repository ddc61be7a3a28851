namespace Fovea.Tests.Cases;

public sealed class MatMulCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Case("17x19x23", new MatMulOptions(), [17, 19], [19, 23], [17, 23]),
        Case("a transposed", new MatMulOptions { TransposeA = true, Alpha = 0.5f }, [19, 17], [19, 23], [17, 23]),
        Case("b transposed, broadcast", new MatMulOptions { TransposeB = true }, [3, 8, 16], [1, 33, 16], [3, 8, 33]),
        Case("1x1x1", new MatMulOptions(), [1, 1], [1, 1], [1, 1]),
        Case("96x64x80", new MatMulOptions(), [96, 64], [64, 80], [96, 80]),
    ];

    private static KernelCase Case(string name, MatMulOptions options, long[] a, long[] b, long[] y)
    {
        var k = options.TransposeA ? a[^2] : a[^1];
        var count = y.Aggregate(1L, (p, q) => p * q);
        return new KernelCase($"matmul {name}", stream =>
        {
            var run = new KernelRun();
            var left = run.Input(Data.Tensor(stream, 1, a));
            var right = run.Input(Data.Tensor(stream, 2, b));
            var product = run.Output(Data.Empty(stream, y));
            run.Call = s => Kernels.MatMul(s, options, left, right, product);
            return run;
        })
        { Tolerance = k * 1.2e-7, PropagatesNan = true, Bytes = 4 * (a.Aggregate(1L, (p, q) => p * q) + b.Aggregate(1L, (p, q) => p * q) + count), Flops = 2 * k * count };
    }
}
