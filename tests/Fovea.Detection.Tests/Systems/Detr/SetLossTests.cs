using Fovea.Detection.Systems;
using Fovea.Training;

namespace Fovea.Detection.Tests.Systems.Detr;

public sealed class SetLossTests
{
    private const int Size = 64, Classes = 3;

    /// <summary>A batch: logits and boxes of N queries, M places for labels.</summary>
    private sealed record Batch(int Images, int Queries, int Places, float[] Logits, float[] Boxes, float[] TargetBoxes, int[] TargetClasses);

    [Fact]
    public void CrossEntropyIsAWeightedMean()
    {
        // A target of class 0 with the box of query 0, one query without an object: the vector of DETR's paper code.
        float[] box = [0.5f, 0.5f, 0.25f, 0.25f];
        var batch = new Batch(1, 2, 1, [2, 0, 0, 0, 0, 1], [.. box, 0.1f, 0.1f, 0.1f, 0.1f], Pixels(box), [0]);
        var loss = Run(batch, classes: 2);
        Assert.Equal(0.2678993, loss.Classes, 1e-6);
        // What an unnormalised sum over two queries would give.
        Assert.NotEqual((0.2395448 + 0.1 * 0.5514447) / 2, loss.Classes, 1e-2);
    }

    [Fact]
    public void DiceEqualsItsVector()
    {
        using var stream = Device.Cpu.CreateStream();
        using var p = DeviceTensor.From<float>(stream, [0.9f, 0.8f, 0.2f, 0.1f], 1, 4);
        using var t = DeviceTensor.From<float>(stream, [1, 1, 0, 0], 1, 4);
        var tape = new Tape();
        var dice = MaskLoss.Dice(tape.Input(p, requiresGradient: true), tape.Input(t));
        using var program = tape.Compile(stream, dice.Sum());
        program.Run();
        Assert.Equal(0.12, program.ReadLoss(), 1e-6);
    }

    [Fact]
    public void EqualsAnIndependentComputation()
    {
        for (var seed = 0; seed < 8; seed++)
        {
            var batch = RandomBatch(seed, images: 3, queries: 5, places: 4);
            var loss = Run(batch);
            var (classes, boxes, giou) = ScalarSetLoss.Of(batch.Logits, batch.Boxes, batch.TargetBoxes, batch.TargetClasses, batch.Queries, batch.Places, Classes, Size);
            // Sums of some tens of f32 numbers of size 1.
            Assert.Equal(classes, loss.Classes, 1e-5);
            Assert.Equal(boxes, loss.Boxes, 2e-5);
            Assert.Equal(giou, loss.Giou, 2e-5);
        }
    }

    [Fact]
    public void PerfectPredictionsCostTheirUncertaintyAlone()
    {
        var batch = RandomBatch(3, images: 2, queries: 6, places: 3);
        var logits = new float[batch.Logits.Length];
        var boxes = (float[])batch.Boxes.Clone();
        double nll = 0, weight = 0;
        for (var b = 0; b < 2; b++)
        {
            for (var q = 0; q < 6; q++)
            {
                // Query 5 - m stands for place m.
                var place = 5 - q;
                var label = place < 3 && batch.TargetClasses[b * 3 + place] >= 0 ? batch.TargetClasses[b * 3 + place] : Classes;
                logits[(b * 6 + q) * (Classes + 1) + label] = 4;
                if (label < Classes) Shares(batch.TargetBoxes.AsSpan((b * 3 + place) * 4, 4)).CopyTo(boxes, (b * 6 + q) * 4);
                var w = label < Classes ? 1 : 0.1;
                nll += w * Math.Log(1 + 3 * Math.Exp(-4));
                weight += w;
            }
        }
        var loss = Run(batch with { Logits = logits, Boxes = boxes });
        Assert.Equal(nll / weight, loss.Classes, 1e-6);
        // Shares of 64 pixels are exact but for the sum of a centre and half a width.
        Assert.Equal(0, loss.Boxes, 1e-5);
        Assert.Equal(0, loss.Giou, 1e-5);
    }

    [Fact]
    public void WithoutObjectsOnlyTheClassesCost()
    {
        var batch = RandomBatch(4, images: 2, queries: 4, places: 3);
        Array.Fill(batch.TargetClasses, -1);
        Array.Clear(batch.TargetBoxes);
        var loss = Run(batch);
        Assert.True(loss.Classes > 0 && double.IsFinite(loss.Classes));
        Assert.Equal((0, 0), (loss.Boxes, loss.Giou));
        Assert.All(loss.BoxGradient, g => Assert.Equal(0, g));
        Assert.All(loss.LogitGradient, g => Assert.True(float.IsFinite(g)));
    }

    [Fact]
    public void MoreObjectsThanQueriesLeaveTheWorstOut()
    {
        float[] low = [0.25f, 0.25f, 0.25f, 0.25f], high = [0.75f, 0.75f, 0.25f, 0.25f];
        var batch = new Batch(1, 1, 2, [0, 0, 0, 0], high, [.. Pixels(low), .. Pixels(high)], [0, 1]);
        var loss = Run(batch);
        Assert.Equal(Math.Log(4), loss.Classes, 1e-6);
        Assert.Equal((0, 0), (loss.Boxes, loss.Giou));
    }

    [Fact]
    public void NanReachesTheLoss()
    {
        var batch = RandomBatch(5, images: 2, queries: 4, places: 2);
        batch.Logits[3] = float.NaN;
        Assert.True(double.IsNaN(Run(batch).Classes));
    }

    private static (double Classes, double Boxes, double Giou, float[] LogitGradient, float[] BoxGradient) Run(Batch batch, int classes = Classes)
    {
        using var stream = Device.Cpu.CreateStream();
        var k = classes + 1;
        using var logits = DeviceTensor.From<float>(stream, batch.Logits, batch.Images, batch.Queries, k);
        using var boxes = DeviceTensor.From<float>(stream, batch.Boxes, batch.Images, batch.Queries, 4);
        using var targetBoxes = DeviceTensor.From<float>(stream, batch.TargetBoxes, batch.Images, batch.Places, 4);
        using var targetClasses = DeviceTensor.From<int>(stream, batch.TargetClasses, batch.Images, batch.Places);
        using var identity = DeviceTensor.From<float>(stream, [.. Enumerable.Range(0, k * k).Select(i => i % (k + 1) == 0 ? 1f : 0)], k, k);
        using var weights = DeviceTensor.From<float>(stream, [.. Enumerable.Repeat(1f, classes), 0.1f], k);
        var tape = new Tape();
        var (x, y) = (tape.Input(logits, requiresGradient: true), tape.Input(boxes, requiresGradient: true));
        var targets = SetTargets.Of(new DetectionTargets(tape.Input(targetBoxes), tape.Input(targetClasses)), Size, tape.Input(identity));
        var parts = SetLoss.Of(x, y, targets, tape.Input(weights), new DetrLossOptions());
        using var program = tape.Compile(stream, parts.Classes.Add(parts.Boxes).Add(parts.Giou), null, parts.Classes, parts.Boxes, parts.Giou);
        program.Run();
        double Read(Value v) => program.Read(v).ToArray<float>(stream)[0];
        return (Read(parts.Classes), Read(parts.Boxes), Read(parts.Giou), program.Gradient(x).ToArray<float>(stream), program.Gradient(y).ToArray<float>(stream));
    }

    private static Batch RandomBatch(int seed, int images, int queries, int places)
    {
        var random = new Random(seed);
        float[] Numbers(int count, float low, float high) => [.. Enumerable.Range(0, count).Select(_ => low + (high - low) * random.NextSingle())];
        var boxes = Numbers(images * queries * 4, 0.2f, 0.8f);
        var (targetBoxes, classes) = (new float[images * places * 4], new int[images * places]);
        for (var b = 0; b < images; b++)
        {
            var count = (seed + b) % (places + 1); // from none to all
            for (var m = 0; m < places; m++)
            {
                classes[b * places + m] = m < count ? random.Next(Classes) : -1;
                if (m >= count) continue;
                var (x, y) = (random.Next(0, 40), random.Next(0, 40));
                float[] box = [x, y, x + 4 + random.Next(20), y + 4 + random.Next(20)];
                box.CopyTo(targetBoxes, (b * places + m) * 4);
            }
        }
        return new Batch(images, queries, places, Numbers(images * queries * (Classes + 1), -2, 2), boxes, targetBoxes, classes);
    }

    private static float[] Pixels(float[] box) =>
        [(box[0] - box[2] / 2) * Size, (box[1] - box[3] / 2) * Size, (box[0] + box[2] / 2) * Size, (box[1] + box[3] / 2) * Size];

    private static float[] Shares(ReadOnlySpan<float> pixels) =>
        [(pixels[0] + pixels[2]) / 2 / Size, (pixels[1] + pixels[3]) / 2 / Size, (pixels[2] - pixels[0]) / Size, (pixels[3] - pixels[1]) / Size];
}
