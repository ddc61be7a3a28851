using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.Gfl;

public sealed class GflSystemTests
{
    private const int Rows = 2 * AtssCase.Cells, Bins = 5;

    [Fact]
    public void TheLossEqualsAComputationInDouble()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), AtssCase.Size, AtssCase.ClassCount);
        var random = new Random(4);
        (float[], long[])[] outputs =
        [
            (AtssCase.Draw(random, Rows * 3, -3, 2), [2, AtssCase.Cells, 3]),
            (AtssCase.Draw(random, Rows * 4 * Bins, -2, 2), [2, AtssCase.Cells, 4 * Bins]),
        ];
        using var labels = new Labels(stream, AtssCase.Boxes, AtssCase.Classes, images: 2);
        // What is detached: the overlap of every positive's box, and its best score.
        LossComparison.Run(stream, outputs, v => system.Loss((v[0], v[1]), labels.On(v[0].Tape)), v => (Overlaps: Overlaps(v[1]), Scores: BestScores(v[0])), (v, held) =>
        {
            var wanted = new double[Rows * 3];
            foreach (var (p, q) in AtssCase.Positives.Zip(held.Overlaps)) wanted[3 * p.Row + p.Class] = q;
            double boxes = 0, sides = 0;
            foreach (var (p, weight) in AtssCase.Positives.Zip(held.Scores))
            {
                boxes += weight * (1 - ScalarLosses.Giou(Expected(v[1], p.Row), p.Distances));
                for (var side = 0; side < 4; side++) sides += weight / 4 * DistributionLoss(v[1].AsSpan(Bins * (4 * p.Row + side), Bins), p.Distances[side]);
            }
            var weights = Math.Max(1, held.Scores.Sum());
            return [v[0].Zip(wanted, ScalarLosses.QualityFocal).Sum() / AtssCase.Positives.Count, 2 * boxes / weights, 0.25 * sides / weights];
        });

        static double[] Overlaps(double[] sides) => [.. AtssCase.Positives.Select(p => ScalarLosses.Iou(Expected(sides, p.Row), p.Distances))];

        static double[] BestScores(double[] logits) => [.. AtssCase.Positives.Select(p => ScalarLosses.Sigmoid(logits[(3 * p.Row)..(3 * p.Row + 3)].Max()))];
    }

    // The loss is least, the entropy of the two weights, where the two bins beside the distance have its weights.
    [Theory]
    [InlineData(0f, 1, 0, 0)]
    [InlineData(0.25f, 0.75, 0.25, 0)]
    [InlineData(1f, 0, 1, 0)]
    [InlineData(1.5f, 0, 0.5, 0.5)]
    [InlineData(7f, 0, 0.1, 0.9)] // cut to K - 1.1
    public void TheDistributionLossIsLeastAtItsTwoBins(float distance, double first, double second, double third)
    {
        using var stream = Device.Cpu.CreateStream();
        using DeviceTensor logits = DeviceTensor.From<float>(stream, [.. new[] { first, second, third }.Select(p => (float)Math.Log(Math.Max(p, 1e-30)))], 1, 3),
            wanted = DeviceTensor.From<float>(stream, [distance], 1, 1), bins = DistanceBins.Tensor(stream, 3);
        var tape = new Tape();
        var x = tape.Input(logits, requiresGradient: true);
        var loss = DistanceBins.Loss(x, tape.Input(wanted), tape.Input(bins)).Sum();
        using var program = tape.Compile(stream, loss);
        program.Run();
        var entropy = new[] { first, second, third }.Sum(p => p > 0 ? -p * Math.Log(p) : 0);
        Assert.Equal(entropy, program.ReadLoss(), 1e-5);
        Assert.All(program.Gradient(x).ToArray<float>(stream), g => Assert.Equal(0, g, 1e-6f));
    }

    // Distributions with the weights of the two bins decode to the labels.
    [Fact]
    public void TargetsDecodeToTheBoxes()
    {
        using var stream = Device.Cpu.CreateStream();
        using var system = Tiny(new Initializer(stream, 1), AtssCase.Size, AtssCase.ClassCount);
        var (logits, sides) = (Enumerable.Repeat(-9f, Rows * 3).ToArray(), Enumerable.Repeat(-60f, Rows * 4 * Bins).ToArray());
        foreach (var (row, label, distances) in AtssCase.Positives)
        {
            logits[3 * row + label] = 9;
            for (var side = 0; side < 4; side++)
            {
                Assert.InRange(distances[side], 0, Bins - 1.001);
                var (bin, share) = ((int)distances[side], distances[side] - (int)distances[side]);
                sides[Bins * (4 * row + side) + bin] = (float)Math.Log(Math.Max(1 - share, 1e-20));
                sides[Bins * (4 * row + side) + bin + 1] = (float)Math.Log(Math.Max(share, 1e-20));
            }
        }
        using DeviceTensor logitTensor = DeviceTensor.From<float>(stream, logits, 2, AtssCase.Cells, 3), sideTensor = DeviceTensor.From<float>(stream, sides, 2, AtssCase.Cells, 4 * Bins);
        var tape = new Tape();
        var rows = system.Detect((tape.Input(logitTensor), tape.Input(sideTensor)));
        using var program = TapeProgram.Inference(stream, rows);
        program.Run();
        var found = program.Read(rows).ToArray<float>(stream).Chunk(6).Where(d => d[4] > 0).OrderBy(d => d[5]).ToArray();
        Assert.Equal([0f, 1, 2], found.Select(d => d[5]));
        foreach (var d in found)
            for (var k = 0; k < 4; k++) Assert.Equal(AtssCase.Boxes[4 * Array.IndexOf(AtssCase.Classes, (int)d[5]) + k], d[k], 1e-3f); // logarithms in f32, times 32 pixels
    }

    [Fact]
    public void StepsAreEqualBitForBit() => SystemChecks.StepsAreEqualBitForBit(GflSystem.Small);

    [Fact]
    public void AnEmptyImageHasLossOfClassesAlone() => SystemChecks.AnEmptyImageHasLossOfClassesAlone(GflSystem.Small);

    // At first every score is 1 %, and so is the weight of every box: the loss rises until the scores have.
    [Fact]
    public void AFewStepsLowerTheLoss() => SystemChecks.AFewStepsLowerTheLoss(GflSystem.Small, steps: 30, since: 12);

    [Fact]
    public void Arguments()
    {
        using var stream = Device.Cpu.CreateStream();
        Assert.Throws<ArgumentNullException>(() => new GflSystem(stream, null!, 32));
        var init = new Initializer(stream, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GflNet(init, "", new CompactResNet(init, "b", [16]), 3, bins: 1));
    }

    private static double[] Expected(double[] sides, int row) => [.. Enumerable.Range(4 * row, 4).Select(side =>
    {
        var p = Softmax(sides.AsSpan(Bins * side, Bins));
        return p.Select((q, k) => q * k).Sum();
    })];

    private static double DistributionLoss(ReadOnlySpan<double> logits, double distance)
    {
        var p = Softmax(logits);
        var d = Math.Clamp(distance, 0, Bins - 1.1);
        var left = (int)d;
        return -(left + 1 - d) * Math.Log(p[left]) - (d - left) * Math.Log(p[left + 1]);
    }

    private static double[] Softmax(ReadOnlySpan<double> logits)
    {
        double[] exponentials = [.. logits.ToArray().Select(Math.Exp)];
        var sum = exponentials.Sum();
        return [.. exponentials.Select(e => e / sum)];
    }

    private static GflSystem Tiny(Initializer init, int size, int classes)
    {
        var pyramid = new FeaturePyramid(init, "fpn", new CompactResNet(init, "backbone", [16, 16, 16, 16], firstLevel: 1), channels: 16);
        return new GflSystem(init.Stream, new GflNet(init, "", pyramid, classes, Bins, towerConvs: 1, groups: 2), size, AtssCase.Assigner);
    }
}
