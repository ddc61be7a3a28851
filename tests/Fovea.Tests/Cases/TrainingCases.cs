namespace Fovea.Tests.Cases;

/// <summary>Batch norm, embeddings and optimiser steps.</summary>
public sealed class TrainingCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        BatchNorm("inference", training: false),
        BatchNorm("training", training: true),
        Gather(),
        Scatter(),
        .. from kind in Enum.GetValues<OptimizerKind>() select Step(kind),
        Norm(),
    ];

    private static KernelCase BatchNorm(string name, bool training) => new($"batch_norm {name}", stream =>
    {
        var run = new KernelRun();
        var options = new BatchNormOptions { Training = training, Activation = Activation.Relu };
        var x = run.Input(Data.Tensor(stream, 1, 3, 7, 5, 19));
        var gamma = run.Own(Data.Tensor(stream, 2, 19));
        var beta = run.Own(Data.Tensor(stream, 3, 19));
        var start = run.Own(DeviceTensor.From<float>(stream, Data.Floats(19, 4, 0.5f, 2), 19));
        var mean = run.Output(Data.Empty(stream, 19));
        var variance = run.Output(Data.Empty(stream, 19));
        var savedMean = training ? run.Output(Data.Empty(stream, 19)) : null;
        var savedRstd = training ? run.Output(Data.Empty(stream, 19)) : null;
        var y = run.Output(Data.Empty(stream, 3, 7, 5, 19));
        run.Call = s =>
        {
            Kernels.Copy(s, start, mean);
            Kernels.Copy(s, start, variance);
            Kernels.BatchNorm(s, options, x, gamma, beta, mean, variance, savedMean, savedRstd, y);
        };
        return run;
    })
    { Tolerance = 1e-5, Bytes = 8 * 3 * 7 * 5 * 19 };

    private static KernelCase Gather() => new("gather_rows", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, 11, 37));
        var indices = run.Own(DeviceTensor.From<long>(stream, [3, -1, 10, 0, 11, 3], 2, 3));
        var y = run.Output(Data.Empty(stream, 2, 3, 37));
        run.Call = s => Kernels.GatherRows(s, x, indices, y);
        return run;
    });

    private static KernelCase Scatter() => new("scatter_add_rows", stream =>
    {
        var run = new KernelRun();
        var dy = run.Input(Data.Tensor(stream, 1, 6, 37));
        var indices = run.Own(DeviceTensor.From<int>(stream, [3, -1, 4, 0, 5, 3], 6));
        var dx = run.Output(Data.Empty(stream, 5, 37));
        run.Call = s =>
        {
            dx.Fill(s, 0);
            Kernels.ScatterAddRows(s, dy, indices, dx);
        };
        return run;
    })
    { Tolerance = 1e-6 };

    private static KernelCase Step(OptimizerKind kind) => new($"optimizer_step {kind}", stream =>
    {
        var run = new KernelRun();
        var options = new OptimizerOptions { Kind = kind, WeightDecay = 0.01f, Dampening = kind == OptimizerKind.Momentum ? 0.1f : 0 };
        var start = run.Input(Data.Tensor(stream, 1, 101));
        var gradient = run.Input(Data.Tensor(stream, 2, 101));
        var schedule = run.Own(DeviceTensor.From<float>(stream, [0.1f, 3, 0.5f], 3));
        var parameter = run.Output(Data.Empty(stream, 101));
        var first = kind == OptimizerKind.Sgd ? null : run.Output(Data.Empty(stream, 101));
        var second = kind is OptimizerKind.Adam or OptimizerKind.AdamW ? run.Output(Data.Empty(stream, 101)) : null;
        var positive = run.Own(DeviceTensor.From<float>(stream, Data.Floats(101, 3, 0.1f, 1), 101));
        run.Call = s =>
        {
            Kernels.Copy(s, start, parameter);
            if (first is not null) Kernels.Copy(s, positive, first);
            if (second is not null) Kernels.Copy(s, positive, second);
            Kernels.OptimizerStep(s, options, parameter, gradient, first, second, schedule);
        };
        return run;
    })
    { Tolerance = 2e-6 };

    private static KernelCase Norm() => new("global_norm", stream =>
    {
        var run = new KernelRun();
        var gradients = (DeviceTensor[])[run.Input(Data.Tensor(stream, 1, 1000)), run.Input(Data.Tensor(stream, 2, 7, 31))];
        var result = run.Output(Data.Empty(stream, 2));
        run.Call = s => Kernels.GlobalNorm(s, gradients, 1.5f, result);
        return run;
    })
    { Tolerance = 1e-6, PropagatesNan = true };
}
