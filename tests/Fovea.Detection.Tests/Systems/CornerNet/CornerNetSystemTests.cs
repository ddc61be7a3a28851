using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class CornerNetSystemTests
{
    private const int Size = 32, Side = Size / 4, Classes = 2, Places = 4;

    private static readonly float[] Boxes =
    [
        3, 4, 17, 25, 8.5f, 1.25f, 30, 31.5f, 0, 0, 6, 5, 20, 20, 32, 32,
        4, 4, 13, 15, 4.5f, 5, 13.5f, 14.5f, 21, 2, 29, 8, 0, 0, 0, 0,
    ];

    private static readonly int[] Labelled = [0, 1, 1, 0, 1, 1, 0, -1];

    // Two stacks: their losses are averaged.
    [Fact]
    public void LossIsThatOfThePaper()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), Classes);
        var random = new Random(11);
        long[] channels = [Classes, 1, 2];
        var shapes = Enumerable.Range(0, 12).Select(i => new[] { 2L, Side, Side, channels[i % 3] }).ToArray();
        float[][] maps = [.. shapes.Select(s => Enumerable.Range(0, (int)(2 * Side * Side * s[3])).Select(_ => (float)(random.NextDouble() * 4 - 2)).ToArray())];
        MapChecks.Agree((m, t) => system.Loss([Stack(m, 0), Stack(m, 6)], t), m => (Expected(m.AsSpan(0, 6)) + Expected(m.AsSpan(6, 6))) / 2, maps, shapes, (Boxes, Labelled, Places));

        static (CornerMaps TopLeft, CornerMaps BottomRight) Stack(Value[] m, int first) =>
            (new CornerMaps(m[first], m[first + 1], m[first + 2]), new CornerMaps(m[first + 3], m[first + 4], m[first + 5]));
    }

    [Fact]
    public void WithoutObjectsOnlyTheHeatMapsCount() => SystemChecks.AnEmptyImageHasLossOf(Of, "heat");

    [Fact]
    public void LearnsAndDetectsInOrder() => SystemChecks.AFewStepsLowerTheLoss(Of, rate: 0.02f, share: 0.7f);

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(Of);

    // What each corner's heat map should be: the same for all numbers of the network.
    private static readonly double[][] Targets = [Target(0), Target(1)];

    private static (double X, double Y, int Column, int Row) Place(int i, int corner)
    {
        var (x, y) = (Boxes[4 * i + 2 * corner] / 4.0, Boxes[4 * i + 2 * corner + 1] / 4.0);
        return (x, y, Math.Min((int)x, Side - 1), Math.Min((int)y, Side - 1));
    }

    private static double[] Target(int corner)
    {
        var target = new double[2 * Side * Side * Classes];
        for (var i = 0; i < Labelled.Length; i++)
        {
            if (Labelled[i] < 0) continue;
            var (_, _, column, row) = Place(i, corner);
            var (width, height) = ((Boxes[4 * i + 2] - Boxes[4 * i]) / 4.0, (Boxes[4 * i + 3] - Boxes[4 * i + 1]) / 4.0);
            var radius = (int)GaussianHeatMap.Radius(Math.Ceiling(height), Math.Ceiling(width), 0.7, RadiusRule.Published);
            for (var y = 0; y < Side; y++)
                for (var x = 0; x < Side; x++)
                {
                    if (Math.Max(Math.Abs(x - column), Math.Abs(y - row)) > radius) continue;
                    ref var value = ref target[((i / Places * Side + y) * Side + x) * Classes + Labelled[i]];
                    value = Math.Max(value, (float)Math.Exp(-18 * (Math.Pow(x - column, 2) + Math.Pow(y - row, 2)) / Math.Pow(2 * radius + 1, 2)));
                }
        }
        return target;
    }

    private static double Expected(ReadOnlySpan<double[]> maps)
    {
        var loss = 0.0;
        var tags = new double[2, Labelled.Length];
        var objects = Labelled.Count(c => c >= 0);
        for (var corner = 0; corner < 2; corner++)
        {
            loss += MapChecks.HeatLoss(maps[3 * corner], Targets[corner]);
            for (var i = 0; i < Labelled.Length; i++)
            {
                if (Labelled[i] < 0) continue;
                var (px, py, column, row) = Place(i, corner);
                var cell = (i / Places * Side + row) * Side + column;
                tags[corner, i] = maps[3 * corner + 1][cell];
                loss += (SmoothL1(maps[3 * corner + 2][2 * cell] - (px - column)) + SmoothL1(maps[3 * corner + 2][2 * cell + 1] - (py - row))) / (objects + 1e-4);
            }
        }
        for (var image = 0; image < 2; image++)
        {
            var present = Enumerable.Range(image * Places, Places).Where(i => Labelled[i] >= 0).ToArray();
            double Mean(int i) => (tags[0, i] + tags[1, i]) / 2;
            loss += 0.1 * present.Sum(i => Math.Pow(tags[0, i] - Mean(i), 2) + Math.Pow(tags[1, i] - Mean(i), 2)) / (present.Length + 1e-4);
            loss += 0.1 * present.Sum(j => present.Where(k => k != j).Sum(k => Math.Max(0, 1 - Math.Abs(Mean(j) - Mean(k))))) / (present.Length * (present.Length - 1));
        }
        return loss;

        static double SmoothL1(double d) => Math.Abs(d) < 1 ? d * d / 2 : Math.Abs(d) - 0.5;
    }

    private static CornerNetSystem Of(Initializer init, int imageSize, int classes) => Tiny(init, classes);

    private static CornerNetSystem Tiny(Initializer init, int classes)
    {
        var options = new HourglassOptions
        {
            StemChannels = 4,
            Widths = [8, 8],
            Blocks = [1, 1],
            Channels = 8,
            Style = new ConvStyle { Normalization = Normalization.Group, Groups = 1 },
        };
        return new CornerNetSystem(new CornerNet(init, "", options, classes), Size);
    }
}
