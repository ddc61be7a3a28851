namespace Fovea.Tests.Cases;

public sealed class BoxCases : IKernelCases
{
    public IEnumerable<KernelCase> Cases =>
    [
        GridProposals(deltas: false),
        GridProposals(deltas: true),
        BoxDeltas(new BoxDeltasOptions { Mode = DeltaMode.Corners, PlusOne = true }),
        BoxDeltas(new BoxDeltasOptions { Mode = DeltaMode.Centre }),
        new("box_square", stream =>
        {
            var run = new KernelRun();
            var boxes = run.Input(Data.Boxes(stream, 1, 37, 200));
            var y = run.Output(Data.Empty(stream, 37, 4));
            run.Call = s => Kernels.BoxSquare(s, Rounding.Truncate, boxes, y);
            return run;
        })
        { Tolerance = 1e-6 },
        new("box_points planar", stream =>
        {
            var run = new KernelRun();
            var boxes = run.Input(Data.Boxes(stream, 1, 21, 200));
            var points = run.Own(Data.Tensor(stream, 3, 21, 10));
            var y = run.Output(Data.Empty(stream, 21, 10));
            run.Call = s => Kernels.BoxPoints(s, new BoxPointsOptions { PlusOne = true, Planar = true }, boxes, points, y);
            return run;
        })
        { Tolerance = 1e-6 },
        Nms("union", 203, new NmsOptions { IouThreshold = 0.3f }, classes: false),
        Nms("classes, minimum", 150, new NmsOptions { Overlap = Overlap.Min, ScoreThreshold = -0.5f, MaxPerClass = 7 }, classes: true),
        Nms("none", 0, new NmsOptions(), classes: false),
    ];

    private static KernelCase GridProposals(bool deltas) => new($"grid_proposals {(deltas ? "with" : "without")} deltas", stream =>
    {
        var options = new GridProposalsOptions { Threshold = 0.6f, Stride = 2, Cell = 12, Origin = 1, ScaleX = 0.6f, ScaleY = 0.6f, PlusOne = true, Rounding = Rounding.Truncate };
        var run = new KernelRun();
        var map = run.Input(Data.Tensor(stream, 1, 13, 17, 2));
        var moves = deltas ? run.Own(Data.Tensor(stream, 2, 13, 17, 4)) : null;
        var score = map.Columns(1, 1);
        var rows = run.Output(Data.Empty(stream, 40, deltas ? 9 : 5));
        var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
        run.Call = s => Kernels.GridProposals(s, options, score, moves, rows, count);
        return run;
    });

    private static KernelCase BoxDeltas(BoxDeltasOptions options) => new($"box_deltas {options.Mode}", stream =>
    {
        var run = new KernelRun();
        var rows = run.Input(Data.Tensor(stream, 1, 33, 9));
        var y = run.Output(Data.Empty(stream, 33, 4));
        var (boxes, deltas) = (rows.Columns(0, 4), rows.Columns(5, 4));
        run.Call = s => Kernels.BoxDeltas(s, options, boxes, deltas, y);
        return run;
    })
    { Tolerance = 4e-6 };

    private static KernelCase Nms(string name, int n, NmsOptions options, bool classes) => new($"nms {name}", stream =>
    {
        var run = new KernelRun();
        var boxes = run.Input(Data.Boxes(stream, 1, n, 100));
        var scores = run.Own(Data.Tensor(stream, 3, n));
        var labels = classes ? run.Own(DeviceTensor.From<int>(stream, Data.Ints(n, 4, 0, 3), n)) : null;
        var valid = classes ? run.Own(DeviceTensor.From<int>(stream, [n - 10], 1)) : null;
        var keep = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 64));
        var count = run.Output(DeviceTensor.Allocate(stream, DType.Int32, 1));
        run.Call = s => Kernels.Nms(s, options, boxes, scores, labels, valid, keep, count);
        return run;
    });
}
