using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.VarifocalNet;

public sealed class VfNetSystemTests
{
    private const int Rows = 2 * AtssCase.Cells;

    [Fact]
    public void TheLossEqualsAComputationInDouble()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), AtssCase.Size, AtssCase.ClassCount);
        var random = new Random(4);
        (float[], long[])[] outputs =
        [
            (AtssCase.Draw(random, Rows * 3, -3, 2), [2, AtssCase.Cells, 3]),
            (AtssCase.Draw(random, Rows * 4, 0.2f, 2.5f), [2, AtssCase.Cells, 4]),
            (AtssCase.Draw(random, Rows * 4, 0.2f, 2.5f), [2, AtssCase.Cells, 4]),
        ];
        using var labels = new Labels(stream, AtssCase.Boxes, AtssCase.Classes, images: 2);
        Assert.True(AtssCase.Positives.Count >= 5);
        // What is detached: the overlap of every positive's boxes.
        LossComparison.Run(stream, outputs, v => system.Loss((v[0], v[1], v[2]), labels.On(v[0].Tape)), v => (First: Overlaps(v[1]), Refined: Overlaps(v[2])),
            (v, held) => [Classes(v[0], held.Refined), 1.5 * BoxLoss(v[1], held.First), 2 * BoxLoss(v[2], held.Refined)]);

        static double[] Overlaps(double[] boxes) => [.. AtssCase.Positives.Select(p => Math.Max(1e-6, ScalarLosses.Iou(boxes.AsSpan(4 * p.Row, 4), p.Distances)))];

        static double BoxLoss(double[] boxes, double[] overlaps) =>
            AtssCase.Positives.Select((p, i) => overlaps[i] * (1 - ScalarLosses.Giou(boxes.AsSpan(4 * p.Row, 4), p.Distances))).Sum() / Math.Max(1, overlaps.Sum());

        static double Classes(double[] logits, double[] overlaps)
        {
            var wanted = new double[Rows * 3];
            foreach (var (p, q) in AtssCase.Positives.Zip(overlaps)) wanted[3 * p.Row + p.Class] = q;
            return logits.Zip(wanted, ScalarLosses.Varifocal).Sum() / AtssCase.Positives.Count;
        }
    }

    // A box that misses its object altogether is still a positive, wanted with 1e-6; its cell's loss is about that of the ground.
    [Fact]
    public void AMissedBoxWantsAMillionth()
    {
        Assert.Equal(1e-6 * ScalarLosses.Bce(0, 1e-6), ScalarLosses.Varifocal(0, 1e-6), 12);
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), AtssCase.Size, AtssCase.ClassCount);
        using var labels = new Labels(stream, AtssCase.Boxes, AtssCase.Classes, images: 2);
        var tape = new Tape();
        using var logits = DeviceTensor.From<float>(stream, new float[Rows * 3], 2, AtssCase.Cells, 3);
        // Boxes far to the right of their cells.
        using var distances = DeviceTensor.From<float>(stream, [.. Enumerable.Range(0, Rows * 4).Select(i => (float[])[-100, 1, 101, 1]).SelectMany(d => d).Take(Rows * 4)], 2, AtssCase.Cells, 4);
        var (classes, boxes) = (tape.Input(logits), tape.Input(distances));
        var loss = system.Loss((classes, boxes, boxes), labels.On(tape)).Parts[0].Loss;
        using var program = TapeProgram.Inference(stream, loss);
        program.Run();
        var positives = AtssCase.Positives.Count;
        var expected = ((Rows * 3 - positives) * ScalarLosses.Varifocal(0, 0) + positives * ScalarLosses.Varifocal(0, 1e-6)) / positives;
        Assert.Equal(expected, program.Read(loss).ToArray<float>(stream)[0], 1e-5 * expected);
    }

    [Fact]
    public void TheScoreOfAClassAloneRanks()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), AtssCase.Size, AtssCase.ClassCount);
        var (logits, refined) = (Enumerable.Repeat(-9f, AtssCase.Cells * 3).ToArray(), Enumerable.Repeat(0.5f, AtssCase.Cells * 4).ToArray());
        // Cell (1, 1) of stride 8 lies at (8, 8), cell (3, 2) at (24, 16).
        (logits[3 * 5 + 1], logits[3 * 11 + 2]) = (1, 2);
        using DeviceTensor logitTensor = DeviceTensor.From<float>(stream, logits, 1, AtssCase.Cells, 3), refinedTensor = DeviceTensor.From<float>(stream, refined, 1, AtssCase.Cells, 4);
        var tape = new Tape();
        var rows = system.Detect((tape.Input(logitTensor), default, tape.Input(refinedTensor)));
        using var program = TapeProgram.Inference(stream, rows);
        program.Run();
        var found = program.Read(rows).ToArray<float>(stream).Chunk(6).ToArray();
        Assert.Equal([20f, 12, 28, 20], found[0][..4]);
        Assert.Equal([4f, 4, 12, 12], found[1][..4]);
        Assert.Equal(ScalarLosses.Sigmoid(2), found[0][4], 1e-6);
        Assert.Equal([2f, 1], [found[0][5], found[1][5]]);
        Assert.Equal(0, found[2][4]);
    }

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(VfNetSystem.Small);

    [Fact]
    public void AnEmptyImageHasLossOfClassesAlone() => SystemChecks.AnEmptyImageHasLossOfClassesAlone(VfNetSystem.Small);

    [Fact]
    public void AFewStepsLowerTheLoss() => SystemChecks.AFewStepsLowerTheLoss(VfNetSystem.Small);

    // Of parameters that the boxes do not depend on: what is detached there would move.
    [Fact]
    public void GradientsEqualDifferenceQuotients() => SystemChecks.GradientsEqualDifferenceQuotients(
        Tiny, "bbox_head.vfnet_cls.bias", "bbox_head.vfnet_cls.weight", "bbox_head.vfnet_cls_dconv.weight", "bbox_head.cls_convs.1.weight");

    [Fact]
    public void Arguments()
    {
        using var stream = Device.Cpu.CreateStream();
        Assert.Throws<ArgumentNullException>(() => new VfNetSystem(stream, null!, 32));
    }

    private static VfNetSystem Tiny(Initializer init, int size, int classes)
    {
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [16, 16, 16, 16], firstLevel: 1), channels: 16);
        return new VfNetSystem(init.Stream, new VfNet(init, "", pyramid, classes, towerConvs: 1, groups: 2), size, AtssCase.Assigner);
    }
}
