namespace Fovea.Tests.Cases;

public sealed class ElementwiseCases : IKernelCases
{
    // Polynomial approximations and divisions against double precision: a few units in the last place.
    private const double Tolerance = 4e-6;

    public IEnumerable<KernelCase> Cases =>
    [
        .. Enum.GetValues<UnaryOp>().Select(Unary),
        .. Enum.GetValues<BinaryOp>().Select(op => Binary(op, "same", [5, 33], [5, 33], [5, 33])),
        Binary(BinaryOp.Add, "row", [4, 7, 19], [19], [4, 7, 19]),
        Binary(BinaryOp.Mul, "column", [6, 1], [1, 21], [6, 21]),
        Binary(BinaryOp.Sub, "scalar", [3, 3], [], [3, 3]),
        Affine(),
        Copy<float, byte>("f32 to u8", DType.UInt8),
        Copy<float, Half>("f32 to f16", DType.Float16),
        Copy<float, ushort>("f32 to bf16", DType.BFloat16),
        Copy<float, long>("f32 to i64", DType.Int64),
        Concat(),
    ];

    private static KernelCase Unary(UnaryOp op) => new($"unary {op}", stream =>
    {
        var run = new KernelRun();
        var positive = op is UnaryOp.Log or UnaryOp.Sqrt or UnaryOp.Rsqrt or UnaryOp.Reciprocal;
        var x = run.Input(DeviceTensor.From<float>(stream, Data.Floats(7 * 29, 1, positive ? 0.1f : -4, 4), 7, 29));
        var y = run.Output(Data.Empty(stream, 7, 29));
        run.Call = s => Kernels.Unary(s, op, x, y);
        return run;
    })
    { Tolerance = Tolerance, PropagatesNan = true, Bytes = 8 * 7 * 29, Flops = 7 * 29 };

    private static KernelCase Affine() => new("unary Affine 2x+3", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, 41));
        var y = run.Output(Data.Empty(stream, 41));
        run.Call = s => Kernels.Affine(s, 2, 3, x, y);
        return run;
    })
    { Tolerance = Tolerance, PropagatesNan = true, Bytes = 8 * 41, Flops = 2 * 41 };

    private static KernelCase Binary(BinaryOp op, string name, long[] a, long[] b, long[] y) => new($"binary {op} {name}", stream =>
    {
        var run = new KernelRun();
        var left = run.Input(DeviceTensor.From<float>(stream, Data.Floats(a.Aggregate(1L, (p, q) => p * q), 1, 0.1f, 2), a));
        var right = run.Input(DeviceTensor.From<float>(stream, Data.Floats(b.Aggregate(1L, (p, q) => p * q), 2, 0.1f, 2), b));
        var result = run.Output(Data.Empty(stream, y));
        run.Call = s => Kernels.Binary(s, op, left, right, result);
        return run;
    })
    { Tolerance = Tolerance, PropagatesNan = true, Bytes = 12 * y.Aggregate(1L, (p, q) => p * q), Flops = y.Aggregate(1L, (p, q) => p * q) };

    private static KernelCase Copy<TFrom, TTo>(string name, DType to) => new($"copy {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(DeviceTensor.From<float>(stream, Data.Floats(3 * 37, 1, -10, 300), 3, 37));
        var wide = run.Output(DeviceTensor.Allocate(stream, to, 3, 50));
        var y = wide.Columns(5, 37);
        run.Call = s => Kernels.Copy(s, x, y);
        return run;
    })
    { Bytes = 3 * 37 * (4 + to.Size()) };

    private static KernelCase Concat() => new("copy concat 3+5+8", stream =>
    {
        var run = new KernelRun();
        var a = run.Input(Data.Tensor(stream, 1, 2, 9, 3));
        var b = run.Input(Data.Tensor(stream, 2, 2, 9, 5));
        var c = run.Input(Data.Tensor(stream, 3, 2, 9, 8));
        var y = run.Output(Data.Empty(stream, 2, 9, 16));
        run.Call = s => Kernels.Concat(s, y, a, b, c);
        return run;
    })
    { PropagatesNan = true, Bytes = 8 * 2 * 9 * 16 };
}
