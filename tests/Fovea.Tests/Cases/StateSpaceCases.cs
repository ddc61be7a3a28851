namespace Fovea.Tests.Cases;

public sealed class StateSpaceCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        Scan("real", 2, 67, 37, complex: false, perStep: false),
        Scan("complex", 2, 130, 38, complex: true, perStep: false),
        Scan("complex per step", 1, 20, 66, complex: true, perStep: true),
        Scan("step", 3, 1, 48, complex: true, perStep: false),
        ScanBackward("real", 2, 67, 37, complex: false, perStep: false),
        ScanBackward("complex", 2, 130, 38, complex: true, perStep: false),
        ScanBackward("complex per step", 1, 20, 66, complex: true, perStep: true),
        ImpulseResponse("2x5x300", 2, 5, 300),
        ImpulseResponseBackward("2x5x300", 2, 5, 300),
        Conv("direct", 2, 40, 19, 40),
        Conv("transforms", 2, 300, 35, 280),
        ConvBackward("direct", 2, 40, 19, 40),
        ConvBackward("transforms", 2, 300, 35, 280),
    ];

    // The state is an output that starts from the same values in every run. Decays are below 0.97, so a step's rounding of 2^-24 of
    // numbers below 30 is remembered 30 times at most.
    private static KernelCase Scan(string name, long batch, long length, long channels, bool complex, bool perStep) => new($"diagonal_scan {name}", stream =>
    {
        var run = new KernelRun();
        var options = new DiagonalScanOptions { Complex = complex };
        var x = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var a = run.Input(Decays(stream, batch, length, channels, perStep));
        var initial = run.Input(Data.Tensor(stream, 3, batch, channels));
        var y = run.Output(Data.Empty(stream, batch, length, channels));
        var state = run.Output(Data.Empty(stream, batch, channels));
        run.Call = s =>
        {
            Kernels.Copy(s, initial, state);
            Kernels.DiagonalScan(s, options, x, a, state, y);
        };
        return run;
    })
    {
        Tolerance = 1e-5,
        PropagatesNan = true,
        Bytes = 4L * batch * length * channels * (perStep ? 3 : 2),
        Flops = (complex ? 4L : 2L) * batch * length * channels,
    };

    private static KernelCase ScanBackward(string name, long batch, long length, long channels, bool complex, bool perStep) => new($"diagonal_scan_backward {name}", stream =>
    {
        var run = new KernelRun();
        var options = new DiagonalScanOptions { Complex = complex };
        var dy = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var a = run.Input(Decays(stream, batch, length, channels, perStep));
        var y = run.Input(Data.Tensor(stream, 3, batch, length, channels));
        var initial = run.Input(Data.Tensor(stream, 4, batch, channels));
        var final = run.Input(Data.Tensor(stream, 5, batch, channels));
        var dx = run.Output(Data.Empty(stream, batch, length, channels));
        var da = run.Output(Data.Empty(stream, a.Shape));
        var dInitial = run.Output(Data.Empty(stream, batch, channels));
        run.Call = s => Kernels.DiagonalScanBackward(s, options, y, a, initial, y, dy, final, dx, da, dInitial);
        return run;
    })
    // The gradient of a constant decay sums batch * length terms.
    { Tolerance = 1e-5 + (perStep ? 0 : 1e-6 * batch * length), PropagatesNan = true };

    // A power is good to three roundings; the gradient of an exponent sums `length` terms times their step.
    private static KernelCase ImpulseResponse(string name, long channels, long states, long length) => new($"exponential_kernel {name}", stream =>
    {
        var run = new KernelRun();
        var exponents = run.Input(Exponents(stream, channels, states));
        var weights = run.Input(Data.Tensor(stream, 2, channels, states, 2));
        var k = run.Output(Data.Empty(stream, channels, length));
        run.Call = s => Kernels.ExponentialKernel(s, exponents, weights, k);
        return run;
    })
    { Tolerance = 6e-7 * (states + 1), PropagatesNan = true, Bytes = 4 * channels * length, Flops = 4 * channels * states * length };

    private static KernelCase ImpulseResponseBackward(string name, long channels, long states, long length) => new($"exponential_kernel_backward {name}", stream =>
    {
        var run = new KernelRun();
        var dk = run.Input(Data.Tensor(stream, 3, channels, length));
        var exponents = run.Input(Exponents(stream, channels, states));
        var weights = run.Input(Data.Tensor(stream, 2, channels, states, 2));
        var dExponents = run.Output(Data.Empty(stream, channels, states, 2));
        var dWeights = run.Output(Data.Empty(stream, channels, states, 2));
        run.Call = s => Kernels.ExponentialKernelBackward(s, exponents, weights, dk, dExponents, dWeights);
        return run;
    })
    { Tolerance = 1e-7 * length * length, PropagatesNan = true };

    // 2^-24 log2 n of the product of both norms, sqrt(terms / 3) each.
    private static KernelCase Conv(string name, long batch, long length, long channels, long taps) => new($"long_conv1d {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var kernel = run.Input(Data.Tensor(stream, 2, channels, taps));
        var skip = run.Input(Data.Tensor(stream, 3, channels));
        var y = run.Output(Data.Empty(stream, batch, length, channels));
        run.Call = s => Kernels.LongConv1D(s, x, kernel, skip, y);
        return run;
    })
    { Tolerance = 2e-7 * length, PropagatesNan = true, Bytes = 8 * batch * length * channels };

    private static KernelCase ConvBackward(string name, long batch, long length, long channels, long taps) => new($"long_conv1d_backward {name}", stream =>
    {
        var run = new KernelRun();
        var dy = run.Input(Data.Tensor(stream, 4, batch, length, channels));
        var x = run.Input(Data.Tensor(stream, 1, batch, length, channels));
        var kernel = run.Input(Data.Tensor(stream, 2, channels, taps));
        var skip = run.Input(Data.Tensor(stream, 3, channels));
        var dx = run.Output(Data.Empty(stream, batch, length, channels));
        var dKernel = run.Output(Data.Empty(stream, channels, taps));
        var dSkip = run.Output(Data.Empty(stream, channels));
        run.Call = s => Kernels.LongConv1DBackward(s, x, kernel, skip, dy, dx, dKernel, dSkip);
        return run;
    })
    { Tolerance = 2e-7 * batch * length, PropagatesNan = true };

    private static DeviceTensor Decays(DeviceStream stream, long batch, long length, long channels, bool perStep)
    {
        long[] shape = perStep ? [batch, length, channels] : [channels];
        return DeviceTensor.From<float>(stream, Data.Floats(shape.Aggregate(1L, (p, q) => p * q), 2, -0.68f, 0.68f), shape);
    }

    private static DeviceTensor Exponents(DeviceStream stream, long channels, long states)
    {
        var values = Data.Floats(channels * states * 2, 1);
        for (var i = 0; i < values.Length; i += 2) (values[i], values[i + 1]) = (0.05f * (values[i] - 1), 3 * values[i + 1]);
        return DeviceTensor.From<float>(stream, values, channels, states, 2);
    }
}
