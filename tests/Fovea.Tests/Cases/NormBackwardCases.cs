namespace Fovea.Tests.Cases;

public sealed class NormBackwardCases : IKernelCases
{
    // dx: terms of up to |dy gamma| / deviation = 2 with float sums at most 42 additions deep. dgamma and dbeta: float sums over 32
    // rows at most, of terms below 2.
    private const double Tolerance = 3e-5;

    public IEnumerable<KernelCase> Cases =>
    [
        Layer("128x768", new LayerNormOptions(), [128, 768]),
        Layer("rms 5x3x33", new LayerNormOptions { Rms = true, Epsilon = 1e-6f }, [5, 3, 33]),
        Layer("7x65 dx alone", new LayerNormOptions(), [7, 65], parameters: false),
    ];

    private static KernelCase Layer(string name, LayerNormOptions options, long[] shape, bool parameters = true)
    {
        var count = shape.Aggregate(1L, (p, q) => p * q);
        return new KernelCase($"layer_norm_backward {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, shape));
            var dy = run.Input(Data.Tensor(stream, 2, shape));
            var gamma = run.Input(Data.Tensor(stream, 3, shape[^1]));
            var dx = run.Output(Data.Empty(stream, shape));
            var dgamma = parameters ? run.Output(Data.Empty(stream, shape[^1])) : null;
            var dbeta = parameters ? run.Output(Data.Empty(stream, shape[^1])) : null;
            run.Call = s => Kernels.LayerNormBackward(s, options, x, gamma, dy, dx, dgamma, dbeta);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = true, Bytes = 12 * count, Flops = 20 * count };
    }
}
