namespace Fovea.Tests.Cases;

public sealed class CornerPoolCases : IKernelCases
{
    private const int N = 2, H = 7, W = 5, C = 21;

    public IEnumerable<KernelCase> Cases => Enum.GetValues<Corner>().SelectMany(c => (KernelCase[])[Forward(c), Backward(c)]);

    private static KernelCase Forward(Corner corner) => new($"corner_pool {corner}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, N, H, W, C));
        var y = run.Output(Data.Empty(stream, N, H, W, C));
        run.Call = s => Kernels.CornerPool(s, corner, x, y);
        return run;
    })
    { PropagatesNan = true, Bytes = 2L * 4 * N * H * W * C };

    private static KernelCase Backward(Corner corner) => new($"corner_pool_backward {corner}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, N, H, W, C));
        var dy = run.Input(Data.Tensor(stream, 2, N, H, W, C));
        var dx = run.Output(Data.Empty(stream, N, H, W, C));
        run.Call = s => Kernels.CornerPoolBackward(s, corner, x, dy, dx);
        return run;
    })
    // A sum of up to seven values below 1, one rounding of 2^-24 of it for each.
    { Tolerance = H * H * 6e-8, Bytes = 3L * 4 * N * H * W * C };
}
