using System.Globalization;
using Fovea.Cli.Drawing;

namespace Fovea.Cli.Experiments.IouLosses;

/// <summary>Which box losses bring anchors to their targets, from near and far (Zheng et al., "Distance-IoU Loss", 2020, figure 4).</summary>
/// <remarks>300 iterations and not the paper's 200: with these gradients DIoU still brings in the farthest anchors then, and GIoU, which is
/// faster from afar, leads until it is done. The order at the end is the paper's.</remarks>
internal sealed class IouLossesExperiment : IExperiment
{
    private const int Iterations = 300, Seed = 1;

    private static readonly (string Name, Overlap Overlap)[] Losses =
    [
        ("IoU", Overlap.Union), ("GIoU", Overlap.Giou), ("DIoU", Overlap.Diou), ("CIoU", Overlap.Ciou), ("EIoU", Overlap.Eiou), ("SIoU", Overlap.Siou),
    ];

    public string Name => "iou-losses";

    public string Description => "gradient descent on boxes, apart, nested and overlapping: the IoU loss stands still where DIoU and CIoU arrive";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        using var stream = Device.Cpu.CreateStream();
        using var regression = new BoxRegression(stream, points: quick ? 30 : 1500, Seed);
        var plot = new LinePlot("error of boxes by iterations of gradient descent", "iteration", "mean |dx| + |dy| + |dw| + |dh|") { IsFromZero = true };
        var rows = new List<IReadOnlyList<object?>> { Row("(start)", regression, null) };
        var (start, startApart) = (regression.MeanError(), regression.MeanError(StartKind.Disjoint));
        var (errors, apart) = (new Dictionary<Overlap, double>(), 0.0);
        foreach (var (name, overlap) in Losses)
        {
            progress(name);
            regression.Reset();
            var curve = new List<(double, double)> { (0, start) };
            for (var i = 0; i < Iterations; i++)
            {
                regression.Step(overlap, Rate(i));
                if (i % 5 == 4) curve.Add((i + 1, regression.MeanError()));
            }
            rows.Add(Row(name, regression, curve[curve.Count / 2].Item2));
            errors[overlap] = regression.MeanError();
            if (overlap == Overlap.Union) apart = regression.MeanError(StartKind.Disjoint);
            plot.Add(name, curve, hasDots: false);
        }
        var isOrdered = errors[Overlap.Union] > errors[Overlap.Giou] && errors[Overlap.Giou] > errors[Overlap.Diou] && errors[Overlap.Diou] >= errors[Overlap.Ciou];
        return new ExperimentResult(
            isOrdered && apart == startApart,
            "final errors: IoU > GIoU > DIoU >= CIoU; the IoU loss moves no box that begins apart from its target",
            string.Create(CultureInfo.InvariantCulture,
                $"{regression.Count:N0} pairs from {start:F3}: IoU {errors[Overlap.Union]:F4}, GIoU {errors[Overlap.Giou]:F4}, DIoU {errors[Overlap.Diou]:F4}, " +
                $"CIoU {errors[Overlap.Ciou]:F4}; apart with IoU {startApart:F4} to {apart:F4}"),
            ["loss", "error_halfway", "error", "error_disjoint", "error_nested", "error_overlapping"], rows)
        { Plot = plot };
    }

    // The paper's: a tenth for the last fifth, a hundredth for the last tenth.
    private static float Rate(int iteration) => iteration < 0.8 * Iterations ? 0.1f : iteration < 0.9 * Iterations ? 0.01f : 0.001f;

    private static IReadOnlyList<object?> Row(string name, BoxRegression r, double? halfway) =>
        [name, halfway, r.MeanError(), r.MeanError(StartKind.Disjoint), r.MeanError(StartKind.Nested), r.MeanError(StartKind.Overlapping)];
}
