using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems;

public sealed class RegionLossTests
{
    private const int Classes = 2, Columns = Classes + 1;

    // The first proposal has IoU 0.81 with the first object, the second none; then an empty place.
    private static readonly float[] Proposals = [0, 0, 9, 9, 1, 0, 20, 20, 30, 30, 1, 0, 0, 0, 0, 0, 0, 0];

    [Fact]
    public void ObjectsAndProposalsAreSampled()
    {
        var samples = Sample(Proposals, 3, [0, 0, 10, 10, 5, 5, 5, 9, 40, 40, 50, 50], [1, 0, 0], 16, 3);
        // Two proposals and the two objects with an area; the second object has none.
        Assert.Equal([0, 0, 9, 9, 20, 20, 30, 30, 0, 0, 10, 10, 40, 40, 50, 50], samples.Regions[..16]);
        Assert.All(samples.Regions[16..], x => Assert.Equal(0, x));
        Assert.Equal([1, Classes, 1, 0, .. Enumerable.Repeat(-100, 12)], samples.Labels);
        Assert.Equal([1, 0, 1, 1, .. Enumerable.Repeat(0f, 12)], samples.IsPositive);
        Assert.Equal([0 * 3 + 1, 1 * 3 + 2, 2 * 3 + 1, 3 * 3 + 0], samples.Rows[..4]);
        Assert.Equal(4, samples.Count);
        float[] first = [10 * 0.5f / 9, 10 * 0.5f / 9, 5 * MathF.Log(10 / 9f), 5 * MathF.Log(10 / 9f)];
        for (var k = 0; k < 4; k++) Assert.Equal(first[k], samples.Deltas[k], 1e-6f);
        Assert.All(samples.Deltas[4..], x => Assert.Equal(0, x));
    }

    [Fact]
    public void AQuarterHasAnObjectAtMostAndChanceIsTheRuns()
    {
        float[] proposals = [.. Enumerable.Range(0, 40).SelectMany(i => i < 20 ? new float[] { 0, 0, 10, 10 - i * 0.1f, 0, 0 } : [50, 50, 60 + i, 60, 0, 0])];
        var samples = Sample(proposals, 40, [0, 0, 10, 10], [1], 16, 1);
        Assert.Equal(4, samples.Labels.Count(l => l == 1));
        Assert.Equal(12, samples.Labels.Count(l => l == Classes));
        Assert.Equal(samples.Regions, Sample(proposals, 40, [0, 0, 10, 10], [1], 16, 1).Regions);
        Assert.NotEqual(samples.Regions, Sample(proposals, 40, [0, 0, 10, 10], [1], 16, 1, step: 2).Regions);
    }

    [Fact]
    public void LossesAreThoseOfTheFormulas()
    {
        const int regions = 8;
        var random = new Random(8);
        float[] logits = [.. Enumerable.Range(0, regions * Columns).Select(_ => random.NextSingle() * 4 - 2)];
        float[] deltas = [.. Enumerable.Range(0, regions * Columns * 4).Select(_ => random.NextSingle() * 2 - 1)];
        using var stream = Device.Cpu.CreateStream();
        using var proposals = DeviceTensor.From<float>(stream, Proposals, 1, 3, 6);
        using var targets = new Labels(stream, [0, 0, 10, 10, 0, 0, 0, 0], [1, -1], images: 1);
        // Three regions: the proposal on the object, the ground, the object itself.
        int[] labels = [1, Classes, 1];
        double[][] wanted = [[10 * 0.5 / 9, 10 * 0.5 / 9, 5 * Math.Log(10 / 9.0), 5 * Math.Log(10 / 9.0)], [], [0, 0, 0, 0]];
        LossComparison.Run(stream, [(logits, [regions, Columns]), (deltas, [regions, 4 * Columns])], maps =>
        {
            var tape = maps[0].Tape;
            var truth = targets.On(tape);
            var samples = new RegionSamplesOperation(Classes, regions).Record(truth.Boxes, truth.Classes, tape.Input(proposals));
            var (classes, boxes) = FasterRcnnSystem.RegionLosses(maps[0], maps[1], samples);
            return DetectionLoss.Of(("classes", classes), ("boxes", boxes));
        }, _ => 0, (maps, _) => Loss(maps[0], maps[1]));

        double[] Loss(double[] x, double[] d)
        {
            double classes = 0, boxes = 0;
            for (var r = 0; r < 3; r++)
            {
                classes += Math.Log(x[(r * Columns)..((r + 1) * Columns)].Sum(Math.Exp)) - x[r * Columns + labels[r]];
                for (var k = 0; k < wanted[r].Length; k++)
                {
                    var difference = Math.Abs(d[4 * (r * Columns + labels[r]) + k] - wanted[r][k]);
                    boxes += difference < 1 / 9.0 ? difference * difference * 4.5 : difference - 1 / 18.0;
                }
            }
            return [classes / 3, boxes / 3];
        }
    }

    private static (float[] Regions, int[] Labels, float[] Deltas, float[] IsPositive, int[] Rows, float Count) Sample(
        float[] proposals, int count, float[] objects, int[] labels, int samples, int places, long step = 1)
    {
        using var stream = Device.Cpu.CreateStream();
        using var proposalTensor = DeviceTensor.From<float>(stream, proposals, 1, count, 6);
        using var objectTensor = DeviceTensor.From<float>(stream, objects, 1, places, 4);
        using var labelTensor = DeviceTensor.From<int>(stream, labels, 1, places);
        var tape = new Tape();
        var results = new RegionSamplesOperation(Classes, samples).Record(tape.Input(objectTensor), tape.Input(labelTensor), tape.Input(proposalTensor));
        using var program = TapeProgram.Inference(stream, results);
        program.SetRandomState(1, step << 32);
        program.Run();
        T[] Read<T>(int i) where T : unmanaged => program.Read(results[i]).ToArray<T>(stream);
        return (Read<float>(0), Read<int>(1), Read<float>(2), Read<float>(3), Read<int>(4), Read<float>(5)[0]);
    }
}
