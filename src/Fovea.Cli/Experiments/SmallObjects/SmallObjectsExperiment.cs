using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Data;
using Fovea.Detection.Systems;

namespace Fovea.Cli.Experiments.SmallObjects;

/// <summary>What a coarse map cannot see, and two remedies: a larger image, and a finer map that knows what the coarse one does.</summary>
internal sealed class SmallObjectsExperiment : IExperiment
{
    private const int Size = 96, MinSide = 6, MaxSide = 40, PerImage = 12; // pixels; detections
    private const double SmallSide = 12, LeastGain = 0.25, LargeSide = 24, LeastLarge = 0.7;
    private const string Single = "stride 16", ImagePyramid = "image pyramid", Fpn = "FPN 4, 8, 16";

    private static readonly int[] Factors = [1, 2, 4];
    private static readonly double[] Sides = [0, 8, SmallSide, 16, LargeSide, 32, MaxSide + 1]; // of the longer side, pixels

    private static readonly SceneOptions Look = new()
    {
        Width = Size, Height = Size, MinObjects = 3, MaxObjects = 6, MinSize = MinSide, MaxSize = MaxSide, MaxOverlap = 0.05, HasMasks = false,
        Shapes = [SceneShape.Square],
    };

    public string Name => "small-objects";

    public string Description => "recall of objects of 6 to 40 pixels: a detector of stride 16, the same over an image pyramid, a feature pyramid";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        var (steps, seeds, count) = quick ? (300, (int[])[1], 60) : (500, [1, 2, 3], 150);
        Tally[] tallies = [new(Single), new(ImagePyramid), new(Fpn)];
        using var stream = Device.Cpu.CreateStream();
        foreach (var seed in seeds)
        {
            var training = new DetectorTrainingOptions { Steps = steps, BatchSize = 8, Seed = seed };
            // No scene twice, and others to judge by.
            var scenes = new SceneGenerator(Look, seed, steps * training.BatchSize);
            var judged = new SceneGenerator(Look, seed + 1000, count);
            LabelledImage[] images = [.. Enumerable.Range(0, count).Select(i => judged.Load(i))];
            foreach (var hasPyramid in (bool[])[false, true])
            {
                progress(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {(hasPyramid ? Fpn : Single)}"));
                using var detector = new StrideDetector(stream, hasPyramid, scenes, Size, training);
                detector.Train(steps);
                var plain = detector.Detect(images, 1);
                tallies[hasPyramid ? 2 : 0].Add(detector.Parameters, images, plain);
                if (hasPyramid) continue;
                (int, BoxDetections)[] scales = [.. Factors.Select(f => (f, f == 1 ? plain : detector.Detect(images, f)))];
                tallies[1].Add(detector.Parameters, images, BoxDetections.Merge(scales, MaxSide));
            }
        }
        return Judge(tallies);
    }

    private static ExperimentResult Judge(Tally[] tallies)
    {
        double[] small = [.. tallies.Select(t => t.Recall(0, SmallSide))], large = [.. tallies.Select(t => t.Recall(LargeSide, MaxSide + 1))];
        var pass = small[1] >= small[0] + LeastGain && small[2] >= small[0] + LeastGain && large.Min() >= LeastLarge;
        var plot = new LinePlot("recall by size", "longer side of the object in pixels", "recall at an IoU of 0.5") { IsFromZero = true };
        foreach (var tally in tallies) plot.Add(tally.Name, Bins().Select(b => (tally.MeanSide(b.From, b.To), tally.Recall(b.From, b.To))));
        return new ExperimentResult(
            pass,
            string.Create(CultureInfo.InvariantCulture,
                $"below {SmallSide} pixels image pyramid and FPN each find at least {LeastGain} more of the objects than stride 16 alone; from {LargeSide} " +
                $"pixels on all three find at least {LeastLarge}"),
            string.Create(CultureInfo.InvariantCulture,
                $"below {SmallSide} pixels {small[0]:F3}, {small[1]:F3}, {small[2]:F3}; from {LargeSide} on {large[0]:F3}, {large[1]:F3}, {large[2]:F3}"),
            ["detector", "parameters", "side_from", "side_to", "objects", "recall"],
            [.. tallies.SelectMany(t => Bins().Select(b => (IReadOnlyList<object?>)[t.Name, t.Parameters, b.From, b.To, t.Count(b.From, b.To), t.Recall(b.From, b.To)]))])
        {
            Plot = plot,
        };
    }

    private static IEnumerable<(double From, double To)> Bins() => Sides.Zip(Sides[1..]);

    /// <summary>Objects by size, and whether they were found, over all seeds.</summary>
    private sealed class Tally(string name)
    {
        private readonly List<(double Side, bool IsFound)> _objects = [];

        internal string Name => name;

        internal long Parameters { get; private set; }

        internal void Add(long parameters, LabelledImage[] images, BoxDetections detections)
        {
            Parameters = parameters;
            var finds = detections.Finds(images, PerImage);
            for (var i = 0; i < images.Length; i++)
                _objects.AddRange(images[i].Objects.Zip(finds[i], (o, isFound) => ((double)Math.Max(o.X2 - o.X1, o.Y2 - o.Y1), isFound)));
        }

        internal int Count(double from, double to) => In(from, to).Count();

        internal double Recall(double from, double to) => In(from, to).Average(o => o.IsFound ? 1.0 : 0);

        internal double MeanSide(double from, double to) => In(from, to).Average(o => o.Side);

        private IEnumerable<(double Side, bool IsFound)> In(double from, double to) => _objects.Where(o => o.Side >= from && o.Side < to);
    }
}
