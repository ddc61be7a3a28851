namespace Fovea.Tests.Cases;

public sealed class RankingCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Softmax("rows of 2", new SoftmaxOptions(), 37, 2),
        Softmax("axis 1", new SoftmaxOptions { Axis = 1 }, 3, 11, 7),
        Softmax("log", new SoftmaxOptions { Log = true }, 5, 91),
        .. Enum.GetValues<ReduceOp>().Select(op => Reduce(op, "last", ReduceOptions.Over(op, 1), [9, 35], [9])),
        Reduce(ReduceOp.Sum, "first", ReduceOptions.Over(ReduceOp.Sum, 0), [35, 9], [1, 9]),
        Reduce(ReduceOp.Mean, "middle", ReduceOptions.Over(ReduceOp.Mean, 1, 2), [2, 5, 6, 17], [2, 17]),
        ArgMax("last", new ArgMaxOptions(), DType.Int32, [7, 19], [7]),
        ArgMax("first, minimum", new ArgMaxOptions { Axis = 0, Minimum = true }, DType.Int64, [7, 19], [1, 19]),
        TopK("5 of 100", new TopKOptions { K = 5 }, 3, 100),
        TopK("all, ascending", new TopKOptions { K = 17, Smallest = true }, 2, 17),
    ];

    private static KernelCase Softmax(string name, SoftmaxOptions options, params long[] shape) => new($"softmax {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, shape));
        var y = run.Output(Data.Empty(stream, shape));
        run.Call = s => Kernels.Softmax(s, options, x, y);
        return run;
    })
    { Tolerance = 1e-5, PropagatesNan = true, Bytes = 8 * shape.Aggregate(1L, (a, b) => a * b), Flops = 4 * shape.Aggregate(1L, (a, b) => a * b) };

    private static KernelCase Reduce(ReduceOp op, string name, ReduceOptions options, long[] x, long[] y) => new($"reduce {op} {name}", stream =>
    {
        var run = new KernelRun();
        var input = run.Input(Data.Tensor(stream, 1, x));
        var output = run.Output(Data.Empty(stream, y));
        run.Call = s => Kernels.Reduce(s, options, input, output);
        return run;
    })
    { Tolerance = 1e-5, PropagatesNan = true, Bytes = 4 * x.Aggregate(1L, (a, b) => a * b), Flops = x.Aggregate(1L, (a, b) => a * b) };

    private static KernelCase ArgMax(string name, ArgMaxOptions options, DType dtype, long[] x, long[] y) => new($"argmax {name}", stream =>
    {
        var run = new KernelRun();
        var input = run.Input(Data.Tensor(stream, 1, x));
        var indices = run.Output(DeviceTensor.Allocate(stream, dtype, y));
        run.Call = s => Kernels.ArgMax(s, options, input, indices);
        return run;
    })
    { Bytes = 4 * x.Aggregate(1L, (a, b) => a * b) };

    private static KernelCase TopK(string name, TopKOptions options, long rows, long columns) => new($"topk {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, rows, columns));
        var values = run.Output(Data.Empty(stream, rows, options.K));
        var indices = run.Output(DeviceTensor.Allocate(stream, DType.Int32, rows, options.K));
        run.Call = s => Kernels.TopK(s, options, x, values, indices);
        return run;
    })
    { Bytes = 4 * rows * columns };
}
