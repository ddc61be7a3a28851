namespace Fovea.Tests.Cases;

/// <summary>Losses with their gradients, and dropout.</summary>
public sealed class LossCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        CrossEntropy("plain 6x10", 6, 10, new(), weighted: false),
        CrossEntropy("smoothed, weighted 5x1100", 5, 1100, new() { LabelSmoothing = 0.1f, IgnoreIndex = -1 }, weighted: true),
        Pointwise("focal", PointwiseLossOptions.Focal(), 7, 331),
        Pointwise("heat map", PointwiseLossOptions.HeatMap(), 2, 9, 11, 5),
        Pointwise("smooth_l1", PointwiseLossOptions.SmoothL1(0.3f), 1500),
        .. from overlap in Enum.GetValues<Overlap>() where overlap != Overlap.Min select Boxes(overlap),
        Dropout("5x67", 5, 67),
        Dropout("2048", 2048),
    ];

    // Logits within 1, a float near log K.
    private static KernelCase CrossEntropy(string name, long rows, long classes, CrossEntropyOptions options, bool weighted) => new($"cross_entropy {name}", stream =>
    {
        var run = new KernelRun();
        var logits = run.Input(Data.Tensor(stream, 1, rows, classes));
        var labels = Data.Ints(rows, 2, 0, (int)classes);
        labels[^1] = (int)options.IgnoreIndex;
        var targets = run.Own(DeviceTensor.From<int>(stream, labels, rows));
        var classWeights = weighted ? run.Own(DeviceTensor.From<float>(stream, Data.Floats(classes, 3, 0.1f, 2), classes)) : null;
        var dLosses = run.Own(Data.Tensor(stream, 4, rows));
        var losses = run.Output(Data.Empty(stream, rows));
        var weights = run.Output(Data.Empty(stream, rows));
        var logSumExp = run.Output(Data.Empty(stream, rows));
        var dLogits = run.Output(Data.Empty(stream, rows, classes));
        run.Call = s =>
        {
            Kernels.CrossEntropy(s, options, logits, targets, classWeights, losses, weights, logSumExp);
            Kernels.CrossEntropyBackward(s, options, logits, targets, classWeights, logSumExp, dLosses, dLogits);
        };
        return run;
    })
    { Tolerance = 1e-6, PropagatesNan = true, Bytes = 12 * rows * classes, Flops = 10 * rows * classes };

    // Powers are exp of up to 4 * log(p): a few roundings of numbers below 10.
    private static KernelCase Pointwise(string name, PointwiseLossOptions options, params long[] shape) => new($"pointwise_loss {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, shape));
        var target = run.Own(DeviceTensor.From<float>(stream, Data.Floats(x.ElementCount, 2, 0, 1), shape));
        var dLosses = run.Own(Data.Tensor(stream, 3, shape));
        var losses = run.Output(Data.Empty(stream, shape));
        var dx = run.Output(Data.Empty(stream, shape));
        run.Call = s =>
        {
            Kernels.PointwiseLoss(s, options, x, target, losses);
            Kernels.PointwiseLossBackward(s, options, x, target, dLosses, dx);
        };
        return run;
    })
    { Tolerance = 2e-6, PropagatesNan = true, Bytes = 28 * shape.Aggregate(1L, (a, b) => a * b) };

    // Sides of some ten pixels: slopes far below 1.
    private static KernelCase Boxes(Overlap overlap) => new($"box_loss {overlap}", stream =>
    {
        const int n = 333;
        var options = new BoxLossOptions { Overlap = overlap };
        var run = new KernelRun();
        var boxes = run.Input(Data.Boxes(stream, 1, n, 50));
        var targets = run.Own(Data.Boxes(stream, 2, n, 50));
        var dLosses = run.Own(Data.Tensor(stream, 3, n));
        var losses = run.Output(Data.Empty(stream, n));
        var dBoxes = run.Output(Data.Empty(stream, n, 4));
        run.Call = s =>
        {
            Kernels.BoxLoss(s, options, boxes, targets, losses);
            Kernels.BoxLossBackward(s, options, boxes, targets, dLosses, dBoxes);
        };
        return run;
    })
    { Tolerance = 4e-6, PropagatesNan = true, Bytes = 56 * 333 };

    private static KernelCase Dropout(string name, params long[] shape) => new($"dropout {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Own(Data.Tensor(stream, 1, shape));
        var state = run.Own(DeviceTensor.From<long>(stream, [1234, 5], 2));
        var y = run.Output(Data.Empty(stream, shape));
        run.Call = s => Kernels.Dropout(s, 0.1f, 7, state, x, y);
        return run;
    })
    { Tolerance = 1e-6, Bytes = 8 * shape.Aggregate(1L, (a, b) => a * b) };
}
