using System.Globalization;
using Fovea.Cli.Drawing;
using Fovea.Training;

namespace Fovea.Cli.Experiments.SppLength;

/// <summary>He, Zhang, Ren and Sun's claim (2014): with a spatial pyramid between convolutions and linear layer a classifier takes images
/// of any size, also of sizes that it never saw.</summary>
internal sealed class SppLengthExperiment : IExperiment
{
    private const double LeastAccuracy = 0.9, MostLoss = 0.05;

    private static readonly int[] Seen = [48, 64, 80], Unseen = [56, 72, 96]; // pixels of a side
    private static readonly int[] Seeds = [1, 2, 3];
    private const int FlatSize = 64;

    public string Name => "spp-length";

    public string Description => "spatial pyramid pooling: features of one length and equal accuracy at three image sizes that training never saw";

    public ExperimentResult Run(bool quick, Action<string> progress)
    {
        using var stream = Device.Cpu.CreateStream();
        var rows = new List<Row>();
        foreach (var seed in quick ? Seeds[..1] : Seeds)
        {
            progress(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
            rows.AddRange(Train(stream, null, Seen, seed, quick));
            rows.AddRange(Train(stream, FlatSize, [FlatSize], seed, quick));
        }
        return Judge(rows);
    }

    // One size after the other, step by step; the paper changes the size from epoch to epoch.
    private static List<Row> Train(DeviceStream stream, int? flatSize, int[] sizes, long seed, bool quick)
    {
        var steps = quick ? 450 : 1200;
        using var net = new CropClassifier(new Initializer(stream, seed), Crops.Classes, flatSize);
        using var optimizer = new Optimizer(stream, new OptimizerOptions { WeightDecay = 1e-4f }, net.Parameters);
        var state = new TrainingState(stream, optimizer, seed);
        var rate = LearningRate.WarmUp(steps / 20, LearningRate.Cosine(4e-3f, 4e-5f, steps - steps / 20));
        SizedProgram[] programs = [.. sizes.Select(s => new SizedProgram(stream, net, s, seed, trains: true))];
        TrainingLoop[] loops = [.. programs.Select(p => new TrainingLoop(p.Program, optimizer, state, rate) { MaxGradientNorm = 10 })];
        for (var step = 0; step < steps; step++)
        {
            programs[step % sizes.Length].Fill();
            loops[step % sizes.Length].Step();
        }
        foreach (var program in programs) program.Dispose();

        var rows = new List<Row>();
        foreach (var size in Seen.Concat(Unseen).Order())
        {
            try
            {
                using var judge = new SizedProgram(stream, net, size, seed + 1000, trains: false);
                rows.Add(new Row(flatSize is not null, seed, size, sizes.Contains(size), judge.FeatureLength, judge.Accuracy(quick ? 8 : 20)));
            }
            catch (ArgumentException) // the linear layer has weights for another length
            {
                rows.Add(new Row(flatSize is not null, seed, size, WasSeen: false, null, null));
            }
        }
        return rows;
    }

    private static ExperimentResult Judge(List<Row> rows)
    {
        var pyramid = rows.Where(r => !r.IsFlat).ToList();
        var flat = rows.Where(r => r.IsFlat).ToList();
        var lengths = pyramid.Select(r => r.Length).Distinct().ToList();
        var seen = pyramid.Where(r => r.WasSeen).Average(r => r.Accuracy!.Value);
        double[] unseen = [.. Unseen.Select(s => pyramid.Where(r => r.Size == s).Average(r => r.Accuracy!.Value))];
        var refused = flat.Count(r => r.Length is null);
        var pass = lengths.Count == 1 && unseen.Min() >= LeastAccuracy && unseen.Min() >= seen - MostLoss && refused == flat.Count(r => r.Size != FlatSize);
        var plot = new LinePlot("accuracy by image size", "pixels of a side", "accuracy");
        plot.Add("spatial pyramid", Sizes(pyramid));
        plot.Add($"flattened map for {FlatSize}", Sizes(flat), isLine: false);
        return new ExperimentResult(
            pass,
            string.Create(CultureInfo.InvariantCulture,
                $"features have one length at all sizes; accuracy at {string.Join(", ", Unseen)} pixels, which training never saw, is at least {LeastAccuracy} and " +
                $"at most {MostLoss} below that at {string.Join(", ", Seen)}; the flattened map runs at {FlatSize} alone"),
            string.Create(CultureInfo.InvariantCulture,
                $"length {string.Join(", ", lengths)}; accuracy {seen:F3} at seen sizes, {string.Join(", ", unseen.Select(a => a.ToString("F3", CultureInfo.InvariantCulture)))} " +
                $"at unseen ones; the flattened map was refused {refused} of {flat.Count} times"),
            Row.Columns, [.. rows.Select(r => r.Cells)]) { Plot = plot };
    }

    private static IEnumerable<(double, double)> Sizes(List<Row> rows) =>
        rows.Where(r => r.Accuracy is not null).GroupBy(r => r.Size).Select(g => ((double)g.Key, g.Average(r => r.Accuracy!.Value)));

    private sealed record Row(bool IsFlat, long Seed, int Size, bool WasSeen, long? Length, double? Accuracy)
    {
        internal static readonly string[] Columns = ["features", "seed", "size", "seen", "length", "accuracy"];

        internal IReadOnlyList<object?> Cells => [IsFlat ? "flattened" : "spatial pyramid", Seed, Size, WasSeen, Length, Accuracy];
    }
}
