using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Systems;

/// <summary>The loss over maps that stand where the network's are: against scalar arithmetic in double, value and gradient.</summary>
public sealed class SsdLossTests
{
    private const int Ground = 2, Boxes = 12, Columns = Ground + 1;

    private static readonly float[] Anchors = [.. Enumerable.Range(0, Boxes).SelectMany(i => new float[] { 8 * (i % 4), 8 * (i / 4), 8 * (i % 4) + 12, 8 * (i / 4) + 12 })];

    // Two objects near default boxes 0 and 6, an empty image, and one object that no default box overlaps by half.
    private static readonly float[] Objects = [1, 0, 13, 11, 17, 9, 27, 22, 0, 0, 0, 0, 0, 0, 0, 0, 10, 2, 14, 28, 0, 0, 0, 0];
    private static readonly int[] Classes = [1, 0, -1, -1, 1, -1];

    [Fact]
    public void ValueAndGradientAreThoseOfTheFormulas()
    {
        var random = new Random(4);
        float[] logits = [.. Enumerable.Range(0, 3 * Boxes * Columns).Select(_ => random.NextSingle() * 4 - 2)];
        float[] deltas = [.. Enumerable.Range(0, 3 * Boxes * 4).Select(_ => random.NextSingle() * 6 - 3)];
        using var stream = Device.Cpu.CreateStream();
        using var anchors = DeviceTensor.From<float>(stream, Anchors, Boxes, 4);
        using var targets = new Labels(stream, Objects, Classes, images: 3);
        LossComparison.Run(stream, [(logits, [3, Boxes, Columns]), (deltas, [3, Boxes, 4])],
            maps => SsdSystem.LossOf(maps[0], maps[1], maps[0].Tape.Input(anchors), targets.On(maps[0].Tape)), _ => 0, (maps, _) => Loss(maps[0], maps[1]));
    }

    private static double[] Loss(double[] logits, double[] deltas)
    {
        var (classLoss, boxLoss, positives) = (0.0, 0.0, 0);
        for (var image = 0; image < 3; image++)
        {
            var objects = Enumerable.Range(2 * image, 2).Where(m => Classes[m] >= 0).ToArray();
            var matched = new int[Boxes];
            for (var n = 0; n < Boxes; n++)
                matched[n] = objects.Where(m => Iou(m, n) > 0.5).OrderByDescending(m => Iou(m, n)).Append(-1).First();
            // The objects lie far apart: each one's best box is its own.
            foreach (var m in objects) matched[Enumerable.Range(0, Boxes).MaxBy(n => Iou(m, n))] = m;
            var ground = Enumerable.Range(0, Boxes).Where(n => matched[n] < 0).Select(n => CrossEntropy(image, n, Ground));
            var count = matched.Count(m => m >= 0);
            positives += count;
            classLoss += ground.OrderDescending().Take(3 * count).Sum();
            for (var n = 0; n < Boxes; n++)
            {
                if (matched[n] < 0) continue;
                classLoss += CrossEntropy(image, n, Classes[matched[n]]);
                var wanted = Encoded(matched[n], n);
                for (var k = 0; k < 4; k++)
                {
                    var difference = Math.Abs(deltas[4 * (image * Boxes + n) + k] - wanted[k]);
                    boxLoss += difference < 1 ? difference * difference / 2 : difference - 0.5;
                }
            }
        }
        return [classLoss / positives, boxLoss / positives];

        double CrossEntropy(int image, int n, int label)
        {
            var at = (image * Boxes + n) * Columns;
            return Math.Log(logits[at..(at + Columns)].Sum(Math.Exp)) - logits[at + label];
        }
    }

    private static double Iou(int m, int n)
    {
        var width = Math.Min(Objects[4 * m + 2], Anchors[4 * n + 2]) - Math.Max(Objects[4 * m], Anchors[4 * n]);
        var height = Math.Min(Objects[4 * m + 3], Anchors[4 * n + 3]) - Math.Max(Objects[4 * m + 1], Anchors[4 * n + 1]);
        if (width <= 0 || height <= 0) return 0;
        double area = (Objects[4 * m + 2] - Objects[4 * m]) * (Objects[4 * m + 3] - Objects[4 * m + 1]);
        return width * height / (area + 144 - width * height);
    }

    private static double[] Encoded(int m, int n)
    {
        double x = (Objects[4 * m] + Objects[4 * m + 2]) / 2 - Anchors[4 * n] - 6, y = (Objects[4 * m + 1] + Objects[4 * m + 3]) / 2 - Anchors[4 * n + 1] - 6;
        return [10 * x / 12, 10 * y / 12, 5 * Math.Log((Objects[4 * m + 2] - Objects[4 * m]) / 12), 5 * Math.Log((Objects[4 * m + 3] - Objects[4 * m + 1]) / 12)];
    }
}
