namespace Fovea.Tests.Cases;

public sealed class ScanBackwardCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Case("all parts", 2, 37, 19, 16, all: true),
        Case("bare", 1, 70, 5, 3, all: false),
        Case("step", 1, 1, 48, 16, all: true),
    ];

    private static KernelCase Case(string name, long batch, long length, long channels, long states, bool all) => new($"selective_scan_backward {name}", stream =>
    {
        var run = new KernelRun();
        var options = new SelectiveScanOptions { DeltaSoftplus = all };
        DeviceTensor Values(uint seed, float low, float high, params long[] shape) =>
            run.Own(DeviceTensor.From<float>(stream, Data.Floats(shape.Aggregate(1L, (a, b) => a * b), seed, low, high), shape));
        var dy = run.Input(Data.Tensor(stream, 6, batch, length, channels));
        var u = Values(1, -1, 1, batch, length, channels);
        var delta = Values(2, 0, 0.5f, batch, length, channels);
        var a = Values(3, -4, -0.05f, channels, states);
        var b = Values(4, -1, 1, batch, length, states);
        var c = Values(5, -1, 1, batch, length, states);
        var skip = all ? Values(7, -1, 1, channels) : null;
        var z = all ? Values(8, -1, 1, batch, length, channels) : null;
        var bias = all ? Values(9, -1, 1, channels) : null;
        var initial = all ? Values(10, -1, 1, batch, channels, states) : null;
        var final = all ? Values(11, -1, 1, batch, channels, states) : null;
        DeviceTensor? Result(bool wanted, params long[] shape) => wanted ? run.Output(Data.Empty(stream, shape)) : null;
        var gradients = new SelectiveScanGradients
        {
            U = Result(true, batch, length, channels),
            Delta = Result(true, batch, length, channels),
            A = Result(true, channels, states),
            B = Result(true, batch, length, states),
            C = Result(true, batch, length, states),
            Skip = Result(all, channels),
            Z = Result(all, batch, length, channels),
            DeltaBias = Result(all, channels),
            InitialState = Result(all, batch, channels, states),
        };
        run.Call = s => Kernels.SelectiveScanBackward(s, options, u, delta, a, b, c, skip, z, bias, initial, dy, final, gradients);
        return run;
    })
    // Gradients of A, B, C and delta sum over time, channels or states: `length * batch + channels + states` terms of size near 1.
    { Tolerance = (length * batch + channels + states) * 6e-7, PropagatesNan = true };
}
