namespace Fovea.Tests.Cases;

public sealed class SequenceBackwardCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Conv("K 4 silu", Activation.Silu, 2, 67, 37, 4, all: true),
        Conv("K 3 bare", Activation.None, 1, 20, 16, 3, all: false),
        Conv("step", Activation.Silu, 1, 1, 48, 4, all: true),
        Conv("K 16", Activation.None, 2, 9, 5, 16, all: true),
    ];

    private static KernelCase Conv(string name, Activation activation, long batch, long length, long channels, long kernel, bool all) => new($"causal_conv1d_backward {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Own(Data.Tensor(stream, 1, batch, length, channels));
        var dy = run.Input(Data.Tensor(stream, 2, batch, length, channels));
        var weights = run.Own(Data.Tensor(stream, 3, channels, kernel));
        var bias = all ? run.Own(Data.Tensor(stream, 4, channels)) : null;
        var state = all ? run.Own(Data.Tensor(stream, 5, batch, kernel - 1, channels)) : null;
        var dFinal = all ? run.Own(Data.Tensor(stream, 6, batch, kernel - 1, channels)) : null;
        var dx = run.Output(Data.Empty(stream, batch, length, channels));
        var dWeights = run.Output(Data.Empty(stream, channels, kernel));
        var dBias = all ? run.Output(Data.Empty(stream, channels)) : null;
        var dState = all ? run.Output(Data.Empty(stream, batch, kernel - 1, channels)) : null;
        run.Call = s => Kernels.CausalConv1DBackward(s, activation, x, weights, bias, state, dy, dFinal, dx, dWeights, dBias, dState);
        return run;
    })
    // dx sums `kernel` products, the parameters batch * length.
    { Tolerance = (kernel + batch * length) * 3e-7, PropagatesNan = true, Bytes = 12L * batch * length * channels, Flops = 6L * batch * length * channels * kernel };
}
