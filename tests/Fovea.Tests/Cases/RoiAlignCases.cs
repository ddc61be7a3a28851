namespace Fovea.Tests.Cases;

public sealed class RoiAlignCases : IKernelCases
{
    private const int N = 2, H = 13, W = 11, C = 21, Rois = 6, Bins = 3;

    public IEnumerable<KernelCase> Cases => Options.SelectMany(o => (KernelCase[])[Forward(o.Name, o.Options), Backward(o.Name, o.Options)]);

    private static IEnumerable<(string Name, RoiAlignOptions Options)> Options =>
    [
        ("2x2 samples", new RoiAlignOptions { SamplingRatio = 2 }),
        ("adaptive, not aligned", new RoiAlignOptions { SpatialScale = 0.5f, Aligned = false }),
        ("max", new RoiAlignOptions { Mode = RoiMode.AlignMax, SamplingRatio = 2 }),
        ("pool", new RoiAlignOptions { Mode = RoiMode.Pool }),
    ];

    // A bin is a mean of values below 1 with a few dozen roundings, or one product; a cell gets dy from at most all 54 bins.
    private static double Tolerance(RoiAlignOptions o) => o.Mode == RoiMode.Pool ? 0 : 2e-6;

    private static KernelCase Forward(string name, RoiAlignOptions options) => new($"roi_align {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, N, H, W, C));
        var boxes = run.Input(Data.Boxes(stream, 2, Rois, W));
        var images = run.Own(Images(stream));
        var y = run.Output(Data.Empty(stream, Rois, Bins, Bins, C));
        run.Call = s => Kernels.RoiAlign(s, options, x, boxes, images, y);
        return run;
    })
    { Tolerance = Tolerance(options), Bytes = 4L * C * (N * H * W + Rois * Bins * Bins), Flops = 32L * Rois * Bins * Bins * C };

    private static KernelCase Backward(string name, RoiAlignOptions options) => new($"roi_align_backward {name}", stream =>
    {
        var run = new KernelRun();
        var x = run.Input(Data.Tensor(stream, 1, N, H, W, C));
        var boxes = run.Input(Data.Boxes(stream, 2, Rois, W));
        var images = run.Own(Images(stream));
        var dy = run.Input(Data.Tensor(stream, 3, Rois, Bins, Bins, C));
        var dx = run.Output(Data.Empty(stream, N, H, W, C));
        run.Call = s => Kernels.RoiAlignBackward(s, options, options.Mode == RoiMode.Align ? null : x, boxes, images, dy, dx);
        return run;
    })
    { Tolerance = 54 * 3 * 6e-8, Bytes = 4L * C * (N * H * W + Rois * Bins * Bins), Flops = 32L * Rois * Bins * Bins * C };

    private static DeviceTensor Images(DeviceStream stream) => DeviceTensor.From<int>(stream, Data.Ints(Rois, 4, 0, N), Rois);
}
