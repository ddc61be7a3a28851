namespace Fovea.Tests.Cases;

public sealed class SequenceCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Scan("all parts", 2, 37, 19, 16, all: true),
        Scan("bare", 1, 70, 5, 3, all: false),
        Scan("step", 1, 1, 48, 16, all: true),
        Scan("17 states", 1, 33, 21, 17, all: true),
        Conv("K 4 silu", Activation.Silu, 2, 67, 37, 4, all: true),
        Conv("K 3 bare", Activation.None, 1, 20, 16, 3, all: false),
        Conv("step", Activation.Silu, 1, 1, 48, 4, all: true),
        Conv("K 16", Activation.None, 2, 9, 5, 16, all: true),
    ];

    // The state is an output that starts from the same values in every run.
    private static KernelCase Scan(string name, int batch, int length, int channels, int states, bool all) => new($"selective_scan {name}", stream =>
    {
        var run = new KernelRun();
        var u = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var delta = run.Input(Values(stream, 2, 0, 0.5f, batch, length, channels));
        var a = run.Input(Values(stream, 3, -16, -0.05f, channels, states));
        var b = run.Input(Data.Tensor(stream, 4, batch, length, states));
        var c = run.Input(Data.Tensor(stream, 5, batch, length, states));
        var y = run.Output(Data.Empty(stream, batch, length, channels));
        var options = new SelectiveScanOptions { DeltaSoftplus = all };
        if (!all)
        {
            run.Call = s => Kernels.SelectiveScan(s, options, u, delta, a, b, c, null, null, null, null, y);
            return run;
        }
        var skip = run.Input(Data.Tensor(stream, 6, channels));
        var z = run.Input(Data.Tensor(stream, 7, batch, length, channels));
        var bias = run.Input(Data.Tensor(stream, 8, channels));
        var initial = run.Input(Data.Tensor(stream, 9, batch, channels, states));
        var state = run.Output(Data.Empty(stream, batch, channels, states));
        run.Call = s =>
        {
            Kernels.Copy(s, initial, state);
            Kernels.SelectiveScan(s, options, u, delta, a, b, c, skip, z, bias, state, y);
        };
        return run;
    })
    {
        Tolerance = 4e-5,
        PropagatesNan = true,
        Bytes = 4L * batch * length * ((all ? 4 : 3) * channels + 2 * states),
        Flops = 7L * batch * length * channels * states,
    };

    private static KernelCase Conv(string name, Activation activation, int batch, int length, int channels, int kernel, bool all) => new($"causal_conv1d {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var weights = run.Input(Data.Tensor(stream, 2, channels, kernel));
        var y = run.Output(Data.Empty(stream, batch, length, channels));
        if (!all)
        {
            run.Call = s => Kernels.CausalConv1D(s, activation, x, weights, null, null, y);
            return run;
        }
        var bias = run.Input(Data.Tensor(stream, 3, channels));
        var initial = run.Input(Data.Tensor(stream, 4, batch, kernel - 1, channels));
        var state = run.Output(Data.Empty(stream, batch, kernel - 1, channels));
        run.Call = s =>
        {
            Kernels.Copy(s, initial, state);
            Kernels.CausalConv1D(s, activation, x, weights, bias, state, y);
        };
        return run;
    })
    { Tolerance = 6e-6, PropagatesNan = true, Bytes = 8L * batch * length * channels, Flops = 2L * batch * length * channels * kernel };

    private static DeviceTensor Values(DeviceStream stream, uint seed, float low, float high, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var size in shape) count *= size;
        return DeviceTensor.From<float>(stream, Data.Floats(count, seed, low, high), shape);
    }
}
