using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.Fcos;

public sealed class FcosSystemTests
{
    // Two images of 32 pixels with levels of stride 8, 16, 32: 21 cells each. The second one has one object, and the two of the first
    // overlap.
    private static readonly float[] Boxes = [3, 2, 25, 30, 10, 8, 19, 17.5f, 1, 4, 31, 27, 0, 0, 0, 0];
    private static readonly int[] Classes = [1, 2, 0, -1];

    [Fact]
    public void TheLossEqualsAComputationInDouble() => CompareLoss(new FcosOptions());

    [Fact]
    public void TheLossWeighedByCenternessEqualsAComputationInDouble() =>
        CompareLoss(new FcosOptions { WeightsByCenterness = true, Point = CellPoint.Corner, CentreRadius = float.PositiveInfinity });

    private static void CompareLoss(FcosOptions options)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Create(stream, options);
        const int cells = 21;
        var random = new Random(4);
        (float[], long[])[] outputs =
        [
            (Draw(2 * cells * 3, -3, 2), [2, cells, 3]),
            (Draw(2 * cells * 4, 0.2f, 3), [2, cells, 4]),
            (Draw(2 * cells, -2, 2), [2, cells, 1]),
        ];
        using var targets = new Labels(stream, Boxes, Classes, images: 2);
        LossComparison.Run<object?>(stream, outputs, v => system.Loss((v[0], v[1], v[2]), targets.On(v[0].Tape)), _ => null, (v, _) => Expected(v[0], v[1], v[2], options));

        float[] Draw(int count, float from, float to) => [.. Enumerable.Range(0, count).Select(_ => from + (to - from) * random.NextSingle())];
    }

    // Classes, boxes, centerness.
    private static double[] Expected(double[] classes, double[] distances, double[] centerness, FcosOptions options)
    {
        double classLoss = 0, boxLoss = 0, boxWeight = 0, centernessLoss = 0;
        var positives = 0;
        for (var image = 0; image < 2; image++)
        {
            var row = 21 * image;
            foreach (var (stride, side) in new[] { (8, 4), (16, 2), (32, 1) })
            {
                for (var cell = 0; cell < side * side; cell++, row++)
                {
                    var offset = options.Point == CellPoint.Middle ? stride / 2 : 0;
                    var (x, y) = (offset + cell % side * stride, offset + cell / side * stride);
                    var (place, smallest) = (-1, double.MaxValue);
                    for (var p = 2 * image; p < 2 * image + 2; p++)
                    {
                        if (Classes[p] < 0) continue;
                        var (l, t, r, b) = Sides(p, x, y);
                        var farthest = Math.Max(Math.Max(l, t), Math.Max(r, b));
                        var isNear = Math.Max(Math.Abs(r - l), Math.Abs(b - t)) < 2 * options.CentreRadius * stride;
                        var isInRange = (stride == 8 || farthest > 4 * stride) && (stride == 32 || farthest <= 8 * stride);
                        if (Math.Min(Math.Min(l, t), Math.Min(r, b)) > 0 && isNear && isInRange && (l + r) * (t + b) < smallest) (place, smallest) = (p, (l + r) * (t + b));
                    }
                    for (var c = 0; c < 3; c++) classLoss += ScalarLosses.Focal(classes[3 * row + c], place >= 0 && Classes[place] == c ? 1 : 0);
                    if (place < 0) continue;
                    positives++;
                    var (left, top, right, bottom) = Sides(place, x, y);
                    double[] wanted = [left / stride, top / stride, right / stride, bottom / stride];
                    var centre = Math.Sqrt(Math.Min(left, right) / Math.Max(left, right) * Math.Min(top, bottom) / Math.Max(top, bottom));
                    var weight = options.WeightsByCenterness ? centre : 1;
                    boxLoss += weight * (1 - ScalarLosses.Giou(distances.AsSpan(4 * row, 4), wanted));
                    boxWeight += weight;
                    centernessLoss += ScalarLosses.Bce(centerness[row], centre);
                }
            }
        }
        Assert.True(positives >= 5);
        return [classLoss / positives, boxLoss / boxWeight, centernessLoss / positives];

        static (double, double, double, double) Sides(int p, double x, double y) => (x - Boxes[4 * p], y - Boxes[4 * p + 1], Boxes[4 * p + 2] - x, Boxes[4 * p + 3] - y);
    }

    // What the targets say, decoded, is the labels: nothing is lost on the way.
    [Theory]
    [InlineData(CellPoint.Middle)]
    [InlineData(CellPoint.Corner)]
    public void TargetsDecodeToTheBoxes(CellPoint point)
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Create(stream, new FcosOptions { Point = point });
        using var labels = new Labels(stream, [3.3f, 2, 15.7f, 14.1f, 17, 16.5f, 31, 31.9f, 18, 1, 30, 13, 0, 0, 0, 0], [1, 2, 0, -1], images: 1);
        var cells = PyramidCells.Points(32, 32, [8, 16, 32], point);
        using var cellTensor = DeviceTensor.From<float>(stream, cells, cells.Length / 3, 3);
        var tape = new Tape();
        var targets = labels.On(tape);
        var truth = new CellTargetsOperation(3, new FcosAssigner()).Record(targets.Boxes, targets.Classes, tape.Input(cellTensor));
        // 1 becomes the logit 10, 0 becomes -10.
        var rows = system.Detect((truth[0].Affine(20, -10), truth[1], truth[2].Affine(0, 10)));
        using var program = TapeProgram.Inference(stream, rows);
        program.Run();
        var found = program.Read(rows).ToArray<float>(stream).Chunk(6).Where(d => d[4] > 0).OrderBy(d => d[5]).ToArray();
        Assert.Equal([0f, 1, 2], found.Select(d => d[5]));
        float[][] expected = [[18, 1, 30, 13], [3.3f, 2, 15.7f, 14.1f], [17, 16.5f, 31, 31.9f]];
        for (var i = 0; i < 3; i++)
            for (var k = 0; k < 4; k++) Assert.Equal(expected[i][k], found[i][k], 1e-5f); // two roundings at 32
    }

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(FcosSystem.Small);

    [Fact]
    public void AnEmptyImageHasLossOfClassesAlone() => SystemChecks.AnEmptyImageHasLossOfClassesAlone(FcosSystem.Small);

    [Fact]
    public void AFewStepsLowerTheLoss() => SystemChecks.AFewStepsLowerTheLoss(FcosSystem.Small);

    [Fact]
    public void GradientsEqualDifferenceQuotients() => SystemChecks.GradientsEqualDifferenceQuotients(
        (init, size, classes) => Exponential(init, size, classes, new FcosOptions()),
        "head.classification_head.cls_logits.bias", "head.regression_head.bbox_reg.bias", "head.scales.0.scale", "head.regression_head.conv.1.weight", "fpn.layer_blocks.0.bias");

    // A NaN in what the network says shows in the loss; NaN scores are no detections.
    [Fact]
    public void NaN()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Create(stream, new FcosOptions());
        using var labels = new Labels(stream, Boxes, Classes, images: 2);
        var tape = new Tape();
        using var classes = DeviceTensor.From<float>(stream, Enumerable.Repeat(float.NaN, 2 * 21 * 3).ToArray(), 2, 21, 3);
        using var distances = DeviceTensor.From<float>(stream, Enumerable.Repeat(1f, 2 * 21 * 4).ToArray(), 2, 21, 4);
        using var centerness = DeviceTensor.From<float>(stream, Enumerable.Repeat(1f, 2 * 21).ToArray(), 2, 21, 1);
        var outputs = (tape.Input(classes), tape.Input(distances), tape.Input(centerness));
        var (loss, rows) = (system.Loss(outputs, labels.On(tape)).Total, system.Detect(outputs));
        using var program = TapeProgram.Inference(stream, loss, rows);
        program.Run();
        Assert.True(float.IsNaN(program.Read(loss).ToArray<float>(stream)[0]));
        Assert.All(program.Read(rows).ToArray<float>(stream), v => Assert.Equal(0, v));
    }

    [Fact]
    public void Arguments()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Create(stream, new FcosOptions());
        Assert.Throws<ArgumentNullException>(() => new FcosSystem(stream, null!, 32));
        var tape = new Tape();
        var (boxes, classes) = (tape.Input(new TensorSpec(DType.Float32, 1, 2, 4)), tape.Input(new TensorSpec(DType.Int32, 1, 3)));
        var images = tape.Input(new TensorSpec(DType.Float32, 1, 32, 32, 3));
        var error = Assert.Throws<ArgumentException>(() => system.Loss(images, new DetectionTargets(boxes, classes)));
        Assert.Contains("cell_targets", error.Message, StringComparison.Ordinal);
    }

    private static FcosSystem Create(DeviceStream stream, FcosOptions options) => Exponential(new Initializer(stream, 1), 32, 3, options);

    // Distances by exp: no kink where the network begins.
    private static FcosSystem Exponential(Initializer init, int size, int classes, FcosOptions options)
    {
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [16, 16, 16, 16], firstLevel: 1), channels: 16);
        return new FcosSystem(init.Stream, new FcosNet(init, "", pyramid, classes, towerConvs: 1, groups: 2, FcosRegression.Exponential), size, options);
    }
}
