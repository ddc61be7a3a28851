using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Data;
using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Cli.Experiments.Anchors;

/// <summary>One pyramid with FCOS on it, with default boxes of small objects and with default boxes of all sizes, trained on objects of all sizes:
/// what happens to those that no default box resembles.</summary>
internal sealed class AnchorsExperiment : IExperiment
{
    private const int Size = 96, Batch = 8;
    private const int InsideBins = 1; // the sizes that the narrow default boxes are made for
    private const double LeastGain = 0.1, LeastRegained = 0.5;

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    // Longer sides of the objects that are judged together, in pixels.
    private static readonly (int Least, int Most)[] Bins = [(12, 24), (24, 40), (40, 60), (60, 80)];

    private static readonly SsdBoxes Narrow = BoxesOf(12, 16, 20, 26), Wide = BoxesOf(12, 24, 44, 80);

    private static readonly (string Name, Func<Initializer, int, DetectionSystem> Create)[] Detectors =
    [
        ("FCOS", (init, classes) => new FcosSystem(init.Stream, new FcosNet(init, "", Pyramid(init), classes, towerConvs: 1, groups: 6), Size)),
        ("narrow boxes", (init, classes) => Anchored(init, classes, Narrow)),
        ("wide boxes", (init, classes) => Anchored(init, classes, Wide)),
    ];

    public string Name => "anchors";

    public string Description => "anchor-free FCOS against default boxes on one pyramid: AP50 of objects that no default box resembles";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        using var stream = Device.Cpu.CreateStream();
        var (seeds, steps, images) = quick ? (1, 160, 32) : (2, 600, 96);
        var rows = new List<Row>();
        for (var seed = 1; seed <= seeds; seed++)
        {
            var found = new List<double[]>();
            foreach (var (name, create) in Detectors)
            {
                progress($"{name}, seed {seed}");
                found.Add(Measure(stream, create, seed, steps, images));
            }
            for (var bin = 0; bin < Bins.Length; bin++)
                rows.Add(new Row(seed, bin, Coverage(stream, Scenes(bin, seed, images)), [.. found.Select(f => f[bin])]));
        }
        return Judge(rows);
    }

    private static SsdBoxes BoxesOf(params ReadOnlySpan<float> sides) => new([.. sides.ToArray().Select(s => s / Size)], [[2], [2], [2]]);

    private static SsdSystem Anchored(Initializer init, int classes, SsdBoxes boxes) =>
        new(init.Stream, new SsdNet(init, "", Pyramid(init), classes, boxes.PerCell), Size, boxes);

    private static FeaturePyramid Pyramid(Initializer init) =>
        new(init, "fpn", new CompactResNet(init, "backbone", [24, 48, 64, 96], firstLevel: 1), channels: 48);

    private static SceneGenerator Scenes(int least, int most, long seed, long count) =>
        new(new SceneOptions { Width = Size, Height = Size, MinSize = least, MaxSize = most }, seed, count);

    // Scenes of one bin that no training has seen.
    private static SceneGenerator Scenes(int bin, int seed, int images) => Scenes(Bins[bin].Least, Bins[bin].Most, 1000 + seed, images);

    private static double[] Measure(DeviceStream stream, Func<Initializer, int, DetectionSystem> create, int seed, int steps, int images)
    {
        var scenes = Scenes(Bins[0].Least, Bins[^1].Most, seed, (long)steps * Batch); // none is seen twice
        using var system = create(new Initializer(stream, seed), scenes.ClassNames.Count);
        var options = new DetectorTrainingOptions { BatchSize = Batch, Steps = steps, Seed = seed };
        using var trainer = new DetectorTrainer(stream, system, scenes, options); // whose optimiser holds the parameters to the end
        for (var step = 0; step < steps; step++) trainer.Train();
        using var evaluation = new DetectorEvaluation(stream, system, Batch);
        return [.. Bins.Select((_, bin) => evaluation.Evaluate(Scenes(bin, seed, images), 0, images).Ap50)];
    }

    // The share of objects that some narrow default box overlaps by more than half.
    private static double Coverage(DeviceStream stream, SceneGenerator scenes)
    {
        var all = Narrow.Over(Size, [Size / 8, Size / 16, Size / 32]);
        var objects = Enumerable.Range(0, (int)scenes.Count).SelectMany(i => scenes.Load(i).Objects).ToArray();
        using var anchors = DeviceTensor.From<float>(stream, all, all.Length / 4, 4);
        using var boxes = DeviceTensor.From<float>(stream, objects.SelectMany(o => new[] { o.X1, o.Y1, o.X2, o.Y2 }).ToArray(), objects.Length, 4);
        using var overlaps = DeviceTensor.Allocate(stream, DType.Float32, objects.Length, all.Length / 4);
        Kernels.BoxOverlaps(stream, boxes, anchors, overlaps);
        return overlaps.ToArray<float>(stream).Chunk(all.Length / 4).Count(row => row.Max() > 0.5f) / (double)objects.Length;
    }

    private static ExperimentResult Judge(List<Row> rows)
    {
        const int fcos = 0, narrow = 1, wide = 2;
        double[] inside = [.. Detectors.Select((_, d) => Mean(d, r => r.Bin < InsideBins))], outside = [.. Detectors.Select((_, d) => Mean(d, r => r.Bin >= InsideBins))];
        var gain = outside[fcos] - inside[fcos] - (outside[narrow] - inside[narrow]);
        var regained = (outside[wide] - outside[narrow]) / (outside[fcos] - outside[narrow]);
        var condition = string.Create(Invariant,
            $"from the sizes that the narrow default boxes are made for to larger ones, FCOS gains at least {LeastGain} of AP50 more than they do; default boxes of all sizes win at least {LeastRegained:P0} of what the narrow ones lack there");
        var measured = string.Join("; ", Detectors.Select((d, i) => string.Create(Invariant, $"{d.Name} {inside[i]:F2} to {outside[i]:F2}")))
            + string.Create(Invariant, $"; FCOS gains {gain:F2} more, boxes of all sizes win {regained:P0}");
        var plot = new LinePlot("objects that no default box resembles", "longer side of the objects in pixels, middle of a bin", "AP50, held out") { IsFromZero = true };
        for (var d = 0; d < Detectors.Length; d++) plot.Add(Detectors[d].Name, Points(r => r.Ap50[d]));
        plot.Add("objects with a narrow box", Points(r => r.Coverage));
        return new ExperimentResult(gain >= LeastGain && regained >= LeastRegained, condition, measured, Row.Columns, [.. rows.Select(r => r.Cells)]) { Plot = plot };

        double Mean(int detector, Func<Row, bool> isMeant) => rows.Where(isMeant).Average(r => r.Ap50[detector]);

        IEnumerable<(double, double)> Points(Func<Row, double> value) =>
            Bins.Select((b, bin) => ((b.Least + b.Most) / 2.0, rows.Where(r => r.Bin == bin).Average(value))).ToArray();
    }

    private sealed record Row(int Seed, int Bin, double Coverage, double[] Ap50)
    {
        internal static IReadOnlyList<string> Columns { get; } =
            ["seed", "longer_side", "with_narrow_box", .. Detectors.Select(d => $"ap50_{d.Name.Replace(' ', '_').ToLowerInvariant()}")];

        internal IReadOnlyList<object?> Cells => [Seed, $"{Bins[Bin].Least} to {Bins[Bin].Most}", Coverage, .. Ap50];
    }
}
