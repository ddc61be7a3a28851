using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Systems;

/// <summary>The losses of the first stage over maps that stand where the network's are: against scalar arithmetic in double.</summary>
public sealed class ProposalLossTests
{
    private const int Anchors = 15;

    // Three squares and other shapes in a row, eight pixels apart.
    private static readonly float[] Boxes =
        [.. Enumerable.Range(0, Anchors).SelectMany(i => new float[] { 8 * (i / 3), 4 + 2 * (i % 3), 8 * (i / 3) + 16, 20 - 2 * (i % 3) })];

    // A good one for anchor 0 (IoU 0.88) and one that none covers well; an image of the ground; one whose best anchors tie.
    private static readonly float[] Objects = [0, 4, 16, 18, 30, 10, 60, 14, 0, 0, 0, 0, 0, 0, 0, 0, 16, 4, 24, 20, 0, 0, 0, 0];
    private static readonly int[] Classes = [1, 0, -1, -1, 1, -1];

    [Fact]
    public void ValueAndGradientAreThoseOfTheFormulas()
    {
        var random = new Random(6);
        float[] logits = [.. Enumerable.Range(0, 3 * Anchors).Select(_ => random.NextSingle() * 4 - 2)];
        float[] deltas = [.. Enumerable.Range(0, 3 * Anchors * 4).Select(_ => random.NextSingle() * 2 - 1)];
        using var stream = Device.Cpu.CreateStream();
        using var anchors = DeviceTensor.From<float>(stream, Boxes, Anchors, 4);
        using var targets = new Labels(stream, Objects, Classes, images: 3);
        LossComparison.Run(stream, [(logits, [3, Anchors, 1]), (deltas, [3, Anchors, 4])], maps =>
        {
            // Room for every anchor: nothing is left to chance.
            var (objectness, boxes) = FasterRcnnSystem.ProposalLosses(
                maps[0], maps[1], maps[0].Tape.Input(anchors), targets.On(maps[0].Tape), samples: 2 * Anchors);
            return DetectionLoss.Of(("objectness", objectness), ("proposals", boxes));
        }, _ => 0, (maps, _) => Loss(maps[0], maps[1]));
    }

    private static double[] Loss(double[] logits, double[] deltas)
    {
        var (objectness, boxes, sampled, positives) = (0.0, 0.0, 0, 0);
        for (var image = 0; image < 3; image++)
        {
            var objects = Enumerable.Range(2 * image, 2).Where(m => Classes[m] >= 0).ToArray();
            for (var n = 0; n < Anchors; n++)
            {
                var best = objects.OrderByDescending(m => Iou(m, n)).Append(-1).First();
                var overlap = best < 0 ? 0 : Iou(best, n);
                var isBestOfSome = objects.Any(m => Iou(m, n) == Enumerable.Range(0, Anchors).Max(a => Iou(m, a)));
                var isPositive = overlap >= 0.7 || isBestOfSome;
                if (!isPositive && overlap >= 0.3) continue;
                sampled++;
                objectness += ScalarLosses.Bce(logits[image * Anchors + n], isPositive ? 1 : 0);
                if (!isPositive) continue;
                positives++;
                var wanted = Encoded(best, n);
                for (var k = 0; k < 4; k++)
                {
                    var difference = Math.Abs(deltas[4 * (image * Anchors + n) + k] - wanted[k]);
                    boxes += difference < 1 / 9.0 ? difference * difference * 4.5 : difference - 1 / 18.0;
                }
            }
        }
        Assert.True(positives >= 5, $"{positives}"); // ties are among them
        return [objectness / sampled, boxes / sampled];
    }

    private static double Iou(int m, int n)
    {
        double width = Math.Min(Objects[4 * m + 2], Boxes[4 * n + 2]) - Math.Max(Objects[4 * m], Boxes[4 * n]);
        double height = Math.Min(Objects[4 * m + 3], Boxes[4 * n + 3]) - Math.Max(Objects[4 * m + 1], Boxes[4 * n + 1]);
        if (width <= 0 || height <= 0) return 0;
        return width * height / (Area(Objects, m) + Area(Boxes, n) - width * height);

        static double Area(float[] b, int i) => (b[4 * i + 2] - b[4 * i]) * (b[4 * i + 3] - b[4 * i + 1]);
    }

    private static double[] Encoded(int m, int n)
    {
        double w = Boxes[4 * n + 2] - Boxes[4 * n], h = Boxes[4 * n + 3] - Boxes[4 * n + 1];
        double x = (Objects[4 * m] + Objects[4 * m + 2] - Boxes[4 * n] - Boxes[4 * n + 2]) / 2;
        double y = (Objects[4 * m + 1] + Objects[4 * m + 3] - Boxes[4 * n + 1] - Boxes[4 * n + 3]) / 2;
        return [x / w, y / h, Math.Log((Objects[4 * m + 2] - Objects[4 * m]) / w), Math.Log((Objects[4 * m + 3] - Objects[4 * m + 1]) / h)];
    }
}
