namespace Fovea.Tests.Cases;

public sealed class ActivateCases : IKernelCases
{
    // A polynomial of degree up to 6 against double precision: a few units in the last place of f32.
    private const double Tolerance = 2e-6;

    public IEnumerable<KernelCase> Cases =>
    [
        Case("relu 7x13", Activation.Relu, 7, 13),
        Case("prelu 3x17x28", Activation.PRelu, 3, 17, 28),
        Case("leaky 1", Activation.LeakyRelu(0.1f), 1),
        Case("sigmoid 129", Activation.Sigmoid, 129),
        Case("mish 5x31", Activation.Mish, 5, 31),
        Case("gelu 5x31", Activation.Gelu, 5, 31),
        Case("elu 64x33", Activation.Elu(), 64, 33),
        Case("silu 4x0", Activation.Silu, 4, 0),
    ];

    private static KernelCase Case(string name, Activation activation, params long[] shape)
    {
        var count = shape.Aggregate(1L, (a, b) => a * b);
        return new KernelCase($"activate {name}", stream =>
        {
            var run = new KernelRun();
            var x = run.Input(Data.Tensor(stream, 1, shape));
            var slope = activation.Kind == ActivationKind.PRelu ? run.Input(Data.Tensor(stream, 2, shape[^1])) : null;
            var y = run.Output(Data.Empty(stream, shape));
            run.Call = s => Kernels.Activate(s, activation, x, slope, y);
            return run;
        })
        { Tolerance = Tolerance, PropagatesNan = count > 0, Bytes = 8 * count, Flops = count };
    }
}
