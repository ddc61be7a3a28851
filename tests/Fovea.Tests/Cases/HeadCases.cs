namespace Fovea.Tests.Cases;

/// <summary>Overlap matrices, suppression that lowers scores, fused detector heads.</summary>
public sealed class HeadCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        .. from overlap in Enum.GetValues<Overlap>() select Overlaps(overlap),
        RotatedOverlaps(),
        .. from method in Enum.GetValues<SoftNmsMethod>() select Soft(method),
        .. from mode in Enum.GetValues<BoxMode>() select Decode($"{mode}", new DecodeOptions { Boxes = mode, Bins = mode == BoxMode.Bins ? 7 : 0, Scores = ScoreMode.Sigmoid, ScoreThreshold = 0.6f }),
        Decode("softmax", new DecodeOptions { Scores = ScoreMode.Softmax, Background = 4, ScoreThreshold = 0.25f, TopK = 20 }),
        Decode("best class", new DecodeOptions { BestClass = true, ScoreThreshold = 0.5f, ClipWidth = 20, ClipHeight = 10 }),
        Detect(),
        .. from mode in Enum.GetValues<PeakSize>() select Peaks(mode),
    ];

    private static KernelCase Overlaps(Overlap overlap) => new($"box_overlaps {overlap}", stream =>
    {
        var run = new KernelRun();
        var a = run.Input(Data.Boxes(stream, 1, 37, 60));
        var b = run.Input(Data.Boxes(stream, 5, 51, 60));
        var y = run.Output(Data.Empty(stream, 37, 51));
        run.Call = s => Kernels.BoxOverlaps(s, a, b, y, overlap);
        return run;
    })
    { Tolerance = 2e-6 };

    private static KernelCase RotatedOverlaps() => new("rotated_overlaps", stream =>
    {
        var run = new KernelRun();
        var a = run.Input(DeviceTensor.From<float>(stream, Data.Floats(5 * 23, 1, 1, 9), 23, 5));
        var b = run.Input(DeviceTensor.From<float>(stream, Data.Floats(5 * 77, 2, 1, 9), 77, 5));
        var y = run.Output(Data.Empty(stream, 23, 77));
        run.Call = s => Kernels.RotatedOverlaps(s, a, b, y);
        return run;
    })
    { Tolerance = 5e-6 };

    private static KernelCase Soft(SoftNmsMethod method) => new($"soft_nms {method}", stream =>
    {
        var run = new KernelRun();
        var options = new SoftNmsOptions { Method = method, IouThreshold = 0.3f, Sigma = method == SoftNmsMethod.MatrixGaussian ? 2 : 0.5f, ScoreThreshold = 0.05f };
        var boxes = run.Input(Data.Boxes(stream, 1, 150, 60));
        var scores = run.Own(DeviceTensor.From<float>(stream, Data.Floats(150, 3, 0, 1), 150));
        var classes = run.Own(DeviceTensor.From<int>(stream, Data.Ints(150, 4, 0, 3), 150));
        var keep = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 100));
        var keepScores = run.Output(Data.Empty(stream, 100));
        var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
        run.Call = s => Kernels.SoftNms(s, options, boxes, scores, classes, null, keep, keepScores, count);
        return run;
    })
    { Tolerance = 1e-5 };

    private static KernelCase Decode(string name, DecodeOptions options) => new($"decode_boxes {name}", stream =>
    {
        var run = new KernelRun();
        var (table, objectness, anchors) = Head(run, stream, options);
        var rows = run.Output(Data.Empty(stream, 60, 6));
        var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
        var (scores, regression) = (table.Columns(0, 5), table.Columns(5, Regression(options)));
        run.Call = s =>
        {
            count.Fill(s, 0);
            Kernels.DecodeBoxes(s, options, scores, null, regression, anchors, rows, count);
            Kernels.DecodeBoxes(s, options with { TopK = 9 }, scores, objectness, regression, anchors, rows, count); // a second level behind the first
        };
        return run;
    })
    { Tolerance = 4e-6 };

    private static KernelCase Detect() => new("detect_boxes distances", stream =>
    {
        var run = new KernelRun();
        var options = new DecodeOptions { Boxes = BoxMode.Distances, Scores = ScoreMode.Sigmoid, ScoreThreshold = 0.5f, TopK = 50 };
        var (table, objectness, anchors) = Head(run, stream, options);
        var detections = run.Output(Data.Empty(stream, 30, 6));
        var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
        var (scores, regression) = (table.Columns(0, 5), table.Columns(5, 4));
        run.Call = s => Kernels.DetectBoxes(s, options, new NmsOptions { IouThreshold = 0.4f }, scores, objectness, regression, anchors, detections, count);
        return run;
    })
    { Tolerance = 4e-6 };

    private static KernelCase Peaks(PeakSize sizes) => new($"peak_boxes {sizes}", stream =>
    {
        var run = new KernelRun();
        var table = run.Input(Data.Tensor(stream, 1, 12, 17, 11)); // five classes, up to four sizes, two offsets
        var options = new PeakOptions { Sizes = sizes, ScoreThreshold = 0.4f, TopK = 30, ClipWidth = 60 };
        var rows = run.Output(Data.Empty(stream, 40, 6));
        var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
        var (heat, size, offset) = (table.Columns(0, 5), table.Columns(5, sizes == PeakSize.Extent ? 2 : 4), table.Columns(9, 2));
        run.Call = s =>
        {
            count.Fill(s, 0);
            Kernels.PeakBoxes(s, options, heat, size, null, rows, count);
            Kernels.PeakBoxes(s, options with { Window = 5, TopK = 0 }, heat, size, offset, rows, count);
        };
        return run;
    })
    { Tolerance = 1e-6 };

    private static long Regression(DecodeOptions options) => options.Boxes == BoxMode.Bins ? 4 * options.Bins : 4;

    // [N][5 + 4 * bins]: five class columns, then the regression, as one table.
    private static (DeviceTensor Table, DeviceTensor Objectness, DeviceTensor? Anchors) Head(KernelRun run, DeviceStream stream, DecodeOptions options)
    {
        const int rows = 83;
        var table = run.Input(Data.Tensor(stream, 1, rows, 5 + Regression(options)));
        var objectness = run.Own(Data.Tensor(stream, 2, rows, 1));
        var anchors = options.Boxes switch
        {
            BoxMode.Deltas => run.Own(Data.Boxes(stream, 3, rows, 40)),
            BoxMode.Distances or BoxMode.Grid or BoxMode.Bins => run.Own(DeviceTensor.From<float>(stream, Data.Floats(3 * rows, 3, 1, 16), rows, 3)),
            _ => null,
        };
        return (table, objectness, anchors);
    }
}
