namespace Fovea.Tests.Cases;

/// <summary>Gradients of elementwise functions, softmax and reductions.</summary>
public sealed class GradientCases : IKernelCases
{
    // A few roundings, and exponentials good to 4 units in the last place; PReLU adds 51 terms.
    private const double Tolerance = 4e-6;

    public IEnumerable<KernelCase> Cases =>
    [
        Activate("relu 7x13", Activation.Relu, 7, 13),
        Activate("silu 129", Activation.Silu, 129),
        Activate("gelu 5x31", Activation.Gelu, 5, 31),
        Activate("mish 4x0", Activation.Mish, 4, 0),
        Activate("prelu 3x17x28", Activation.PRelu, 3, 17, 28),
        Unary(UnaryOp.Exp),
        Unary(UnaryOp.Cos),
        .. Enum.GetValues<BinaryOp>().Select(Binary),
        Softmax("rows", new(), 7, 129),
        Softmax("log rows", new() { Log = true }, 3, 5, 21),
        Softmax("columns", new() { Axis = 1 }, 3, 11, 21),
        Reduce(ReduceOp.Mean, 0, 1),
        Reduce(ReduceOp.Max, 1),
        Reduce(ReduceOp.Min, 0, 2),
        Reduce(ReduceOp.L2, 2),
        Reduce(ReduceOp.LogSumExp, 1, 2),
    ];

    private static KernelCase Activate(string name, Activation activation, params long[] shape)
    {
        var count = Count(shape);
        return new KernelCase($"activate_backward {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, shape));
            var dy = run.Input(Data.Tensor(stream, 2, shape));
            var slope = activation.Kind == ActivationKind.PRelu ? run.Input(Data.Tensor(stream, 3, shape[^1])) : null;
            var dx = run.Output(Data.Empty(stream, shape));
            var dSlope = slope is null ? null : run.Output(Data.Empty(stream, shape[^1]));
            run.Call = s => Kernels.ActivateBackward(s, activation, x, slope, dy, dx, dSlope);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = count > 0, Bytes = 12 * count, Flops = 2 * count };
    }

    private static KernelCase Unary(UnaryOp op) => new($"unary_backward {op}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, 7, 29));
        var dy = run.Input(Data.Tensor(stream, 2, 7, 29));
        var dx = run.Output(Data.Empty(stream, 7, 29));
        run.Call = s => Kernels.UnaryBackward(s, op, x, dy, dx);
        return run;
    })
    { Tolerance = 1e-6, PropagatesNan = true, Bytes = 12 * 7 * 29, Flops = 2 * 7 * 29 };

    private static KernelCase Binary(BinaryOp op) => new($"binary_backward {op} row", stream =>
    {
        var run = new KernelRun();
        var dy = run.Input(Data.Tensor(stream, 1, 4, 7, 19));
        var a = run.Own(DeviceTensor.From<float>(stream, Data.Floats(4 * 7 * 19, 2, 0.1f, 2), 4, 7, 19));
        var b = run.Own(DeviceTensor.From<float>(stream, Data.Floats(19, 3, 0.5f, 2), 19));
        var da = run.Output(Data.Empty(stream, 4, 7, 19));
        var db = run.Output(Data.Empty(stream, 4, 7, 19));
        run.Call = s => Kernels.BinaryBackward(s, op, a, b, dy, da, db);
        return run;
    })
    { Tolerance = 1e-6, PropagatesNan = true, Bytes = 16 * 4 * 7 * 19, Flops = 4 * 4 * 7 * 19 };

    private static KernelCase Softmax(string name, SoftmaxOptions options, params long[] shape) => new($"softmax_backward {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Own(Data.Tensor(stream, 1, shape));
        var y = run.Input(Data.Empty(stream, shape));
        Kernels.Softmax(stream, options, x, y);
        var dy = run.Input(Data.Tensor(stream, 2, shape));
        var dx = run.Output(Data.Empty(stream, shape));
        run.Call = s => Kernels.SoftmaxBackward(s, options, y, dy, dx);
        return run;
    })
    { Tolerance = 1e-6, PropagatesNan = true, Bytes = 12 * Count(shape), Flops = 4 * Count(shape) };

    private static KernelCase Reduce(ReduceOp op, params int[] axes) => new($"reduce_backward {op} {string.Join(',', axes)}", stream =>
    {
        var run = new KernelRun();
        long[] shape = [5, 7, 33], reduced = [.. shape.Select((n, i) => axes.Contains(i) ? 1 : n)];
        var options = ReduceOptions.Over(op, axes);
        var x = run.Own(Data.Tensor(stream, 1, shape));
        var y = run.Own(Data.Empty(stream, reduced));
        Kernels.Reduce(stream, options, x, y);
        var dy = run.Input(Data.Tensor(stream, 2, reduced));
        var dx = run.Output(Data.Empty(stream, shape));
        run.Call = s => Kernels.ReduceBackward(s, options, x, y, dy, dx);
        return run;
    })
    { Tolerance = 1e-6, PropagatesNan = true, Bytes = 8 * 5 * 7 * 33, Flops = 2 * 5 * 7 * 33 };

    private static long Count(long[] shape) => shape.Aggregate(1L, (a, b) => a * b);
}
