using System.Runtime.InteropServices;
using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class CenterNetSystemTests
{
    private const int Size = 32, Side = Size / 4, Classes = 2, Places = 4;

    // Two images; in the second, two objects of one class in one cell, and an empty place.
    private static readonly float[] Boxes =
    [
        3, 4, 17, 25, 8.5f, 1.25f, 30, 31.5f, 0, 0, 6, 5, 20, 20, 32, 32,
        4, 4, 13, 15, 4.5f, 5, 13.5f, 14.5f, 21, 2, 29, 8, 0, 0, 0, 0,
    ];

    private static readonly int[] Labelled = [0, 1, 1, 0, 1, 1, 0, -1];

    [Fact]
    public void LossIsThatOfThePaper()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), Classes);
        var random = new Random(7);
        long[][] shapes = [[2, Side, Side, Classes], [2, Side, Side, 2], [2, Side, Side, 2]];
        float[][] maps = [.. shapes.Select(s => Enumerable.Range(0, (int)(2 * Side * Side * s[3])).Select(_ => (float)(random.NextDouble() * 6 - 3)).ToArray())];
        MapChecks.Agree((m, t) => system.Loss((m[0], m[1], m[2]), t), Expected, maps, shapes, (Boxes, Labelled, Places));
    }

    [Fact]
    public void TargetsDecodeToTheBoxesExactly()
    {
        using var stream = Device.Cpu.CreateStream();
        // Distinct cells, which no other Gaussian reaches as a peak.
        float[] boxes = [3, 4, 17, 25, 20.5f, 1.25f, 30, 9.5f, 0, 0, 4, 4];
        var found = Decode(stream, boxes, [1, 0, 1]);
        Assert.Equal(3, found.Length);
        Assert.All(found, d => Assert.Equal(1, d.Score));
        // Equal scores come in the order of their cells.
        Assert.Equal([(0f, 0f, 4f, 4f, 1), (20.5f, 1.25f, 30f, 9.5f, 0), (3f, 4f, 17f, 25f, 1)], found.Select(d => (d.X1, d.Y1, d.X2, d.Y2, d.Class)));
    }

    [Fact]
    public void ObjectsWithoutExtentAreNotLookedFor()
    {
        using var stream = Device.Cpu.CreateStream();
        Assert.Empty(Decode(stream, [3, 4, 3, 25, float.NaN, 1, 30, 9, 5, 8, 9, 8], [1, 0, 1]));
        // An object at the last edge belongs to the last cell.
        Assert.Equal((30f, 30f, 34f, 34f), Decode(stream, [30, 30, 34, 34, 0, 0, 0, 0, 0, 0, 0, 0], [1, -1, -1]).Select(d => (d.X1, d.Y1, d.X2, d.Y2)).Single());
    }

    [Fact]
    public void WithoutObjectsOnlyTheHeatMapCounts() => SystemChecks.AnEmptyImageHasLossOf(Of, "heat");

    [Fact]
    public void LearnsAndDetectsInOrder() => SystemChecks.AFewStepsLowerTheLoss(Of, rate: 0.02f, share: 0.7f);

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(Of);

    [Fact]
    public void SizesThatDoNotFitAreRefused()
    {
        using var stream = Device.Cpu.CreateStream();
        Assert.Equal("imageSize", Assert.Throws<ArgumentException>(() => CenterNetSystem.Small(Initializer.Undefined(stream), 40, 1)).ParamName);
        using var boxes = DeviceTensor.From(stream, new float[8], 2, 4);
        using var classes = DeviceTensor.From(stream, new int[2], 2);
        var tape = new Tape();
        var operation = new CenterNetTargetsOperation(1, new KeyPointGrid(8, 4, RadiusRule.Published));
        Assert.Contains("centernet_targets: boxes [2, 4]", Assert.Throws<ArgumentException>(() => operation.Record(tape.Input(boxes), tape.Input(classes))).Message, StringComparison.Ordinal);
    }

    private static ObjectDetection[] Decode(DeviceStream stream, float[] boxes, int[] classes)
    {
        using var labels = new Labels(stream, boxes, classes, images: 1);
        var tape = new Tape();
        var targets = labels.On(tape);
        var wanted = new CenterNetTargetsOperation(Classes, new KeyPointGrid(Side, 4, RadiusRule.Corrected)).Record(targets.Boxes, targets.Classes);
        // The maps of a perfect network: sizes and offsets at the objects' cells.
        var options = new PeakOptions { Scores = ScoreMode.Plain, ScoreThreshold = 0.99f };
        var (sizes, offsets) = (Scattered(wanted[1], wanted[2]), Scattered(wanted[1], wanted[3]));
        using var first = TapeProgram.Inference(stream, wanted[0], wanted[1], wanted[2], wanted[3]);
        first.Run();
        using var heatMap = first.Read(wanted[0]);
        using var sizeMap = DeviceTensor.From<float>(stream, sizes(stream, first), 1, Side, Side, 2);
        using var offsetMap = DeviceTensor.From<float>(stream, offsets(stream, first), 1, Side, Side, 2);
        var second = new Tape();
        var rows = new DetectPeaksOperation(options, 10).Record(second.Input(heatMap), second.Input(sizeMap), second.Input(offsetMap))[0];
        using var decode = TapeProgram.Inference(stream, rows);
        decode.Run();
        return [.. MemoryMarshal.Cast<float, ObjectDetection>(decode.Read(rows).ToArray<float>(stream)).ToArray().Where(d => d.Score > 0)];

        static Func<DeviceStream, TapeProgram, float[]> Scattered(Value cells, Value values) => (stream, program) =>
        {
            var map = new float[2 * Side * Side];
            var (rows, numbers) = (program.Read(cells).ToArray<int>(stream), program.Read(values).ToArray<float>(stream));
            for (var i = 0; i < rows.Length; i++)
                if (rows[i] >= 0) (map[2 * rows[i]], map[2 * rows[i] + 1]) = (numbers[2 * i], numbers[2 * i + 1]);
            return map;
        };
    }

    private static double Expected(double[][] maps)
    {
        var target = new double[2 * Side * Side * Classes];
        var (size, offset, count) = (0.0, 0.0, 0);
        for (var i = 0; i < Labelled.Length; i++)
        {
            if (Labelled[i] < 0) continue;
            var (x1, y1, x2, y2) = (Boxes[4 * i] / 4.0, Boxes[4 * i + 1] / 4.0, Boxes[4 * i + 2] / 4.0, Boxes[4 * i + 3] / 4.0);
            var (cx, cy) = ((x1 + x2) / 2, (y1 + y2) / 2);
            var (column, row) = ((int)cx, (int)cy);
            var radius = (int)GaussianHeatMap.Radius(Math.Ceiling(y2 - y1), Math.Ceiling(x2 - x1), 0.7, RadiusRule.Published);
            for (var y = 0; y < Side; y++)
                for (var x = 0; x < Side; x++)
                {
                    if (Math.Max(Math.Abs(x - column), Math.Abs(y - row)) > radius) continue;
                    var distance = Math.Pow(x - column, 2) + Math.Pow(y - row, 2);
                    ref var value = ref target[((i / Places * Side + y) * Side + x) * Classes + Labelled[i]];
                    value = Math.Max(value, (float)Math.Exp(-18 * distance / Math.Pow(2 * radius + 1, 2)));
                }
            var cell = (i / Places * Side + row) * Side + column;
            size += Math.Abs(maps[1][2 * cell] - (x2 - x1)) + Math.Abs(maps[1][2 * cell + 1] - (y2 - y1));
            offset += Math.Abs(maps[2][2 * cell] - (cx - column)) + Math.Abs(maps[2][2 * cell + 1] - (cy - row));
            count++;
        }
        return MapChecks.HeatLoss(maps[0], target) + (0.1 * size + offset) / (2 * count + 1e-4);
    }

    private static CenterNetSystem Of(Initializer init, int imageSize, int classes) => Tiny(init, classes);

    private static CenterNetSystem Tiny(Initializer init, int classes)
    {
        var path = new UpsamplingPath(init, "up", new CompactResNet(init, "backbone", [8, 8]), [8], new ConvStyle { Normalization = Normalization.Group, Groups = 1 }, hasSkips: true);
        return new CenterNetSystem(new TrainableCenterNet(init, "", path, classes, hidden: 8), Size);
    }
}
