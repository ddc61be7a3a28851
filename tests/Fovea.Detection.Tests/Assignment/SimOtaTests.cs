using Fovea.Detection.Assignment;

namespace Fovea.Detection.Tests.Assignment;

public sealed class SimOtaTests
{
    // Four cells of 8 pixels in a row.
    private static readonly float[] Row = [0, 0, 8, 1, 0, 8, 2, 0, 8, 3, 0, 8];

    // Centre 12: the middles 4, 12, 20 are less than 12 away, 28 is not. Overlaps .5, 1, .75 add up to 2.25: two cells.
    [Fact]
    public void AnObjectTakesAsManyCellsAsItsOverlapsAddUpTo()
    {
        float[] truth = [4, 0, 20, 8];
        float[] boxes = [4, 0, 12, 8, 4, 0, 20, 8, 8, 0, 20, 8, 4, 0, 20, 8];
        var (matched, overlaps) = Assign(new float[4], new float[4], boxes, truth, [0]);
        Assert.Equal([-1, 0, 0, -1], matched);
        Assert.Equal([0f, 1, 0.75f, 0], overlaps);
        // A class that is unlikely at one of the two costs more than the smaller overlap at the third.
        (matched, _) = Assign([0, 0, -9, 0], new float[4], boxes, truth, [0]);
        Assert.Equal([0, 0, -1, -1], matched);
    }

    [Fact]
    public void WithoutOverlapTheCheapestCellIsTakenAndOfEqualOnesTheFirst()
    {
        float[] truth = [4, 0, 20, 8];
        var (matched, overlaps) = Assign(new float[4], new float[4], new float[16], truth, [0]);
        Assert.Equal([0, -1, -1, -1], matched);
        Assert.Equal(new float[4], overlaps);
    }

    // Both want the middle cell most; the second overlaps it less and is left without one.
    [Fact]
    public void ACellThatTwoObjectsWantGoesToTheOneItIsCheaperFor()
    {
        float[] truths = [8, 0, 16, 8, 8, 0, 18, 8];
        float[] boxes = [0, 0, 1, 1, 8, 0, 16, 8, 30, 0, 31, 1, 30, 0, 31, 1];
        var (matched, overlaps) = Assign(new float[4], new float[4], boxes, truths, [0, 0]);
        Assert.Equal([-1, 0, -1, -1], matched);
        Assert.Equal(1, overlaps[1]);
    }

    [Fact]
    public void NoObjectsOrNoneInReachTakeNoCell()
    {
        Assert.Equal([-1, -1, -1, -1], Assign(new float[4], new float[4], new float[16], [], []).Matched);
        Assert.Equal([-1, -1, -1, -1], Assign(new float[4], new float[4], new float[16], [200, 200, 210, 210], [0]).Matched);
    }

    [Fact]
    public void PredictionsThatAreNoNumbersAreTakenLast()
    {
        float[] boxes = [float.NaN, float.NaN, float.NaN, float.NaN, 4, 0, 20, 8, 4, 0, 20, 8, 0, 0, 0, 0];
        var (matched, overlaps) = Assign([float.NaN, 0, 0, 0], new float[4], boxes, [4, 0, 20, 8], [0]);
        Assert.Equal([-1, 0, 0, -1], matched);
        Assert.Equal([0f, 1, 1, 0], overlaps);
    }

    [Fact]
    public void EqualsTheMatrixForm()
    {
        var random = new Random(3);
        float[][] cells = [.. from stride in (int[])[8, 16] from i in Enumerable.Range(0, 64 / stride * (64 / stride)) select new float[] { i % (64 / stride), i / (64 / stride), stride }];
        for (var round = 0; round < 20; round++)
        {
            var objects = random.Next(1, 6);
            float[][] truths = [.. Enumerable.Range(0, objects).Select(_ => Box())];
            int[] labels = [.. truths.Select(_ => random.Next(3))];
            float[][] classes = [.. cells.Select(_ => new[] { Logit(), Logit(), Logit() })], boxes = [.. cells.Select(_ => Box())];
            float[] objectness = [.. cells.Select(_ => Logit())];
            var (expected, overlaps) = NaiveSimOta.Assign(classes, objectness, [.. boxes.Select(b => b.Select(v => (double)v).ToArray())], cells, truths, labels);
            var (matched, actual) = (new int[cells.Length], new float[cells.Length]);
            SimOta.Assign(Flat(classes), objectness, Flat(boxes), Flat(cells), Flat(truths), labels, matched, actual);
            Assert.Equal(expected, matched);
            for (var i = 0; i < actual.Length; i++) Assert.Equal(overlaps[i], actual[i], 1e-6);
        }

        float Logit() => 6 * random.NextSingle() - 3;
        float[] Box()
        {
            var (x, y) = (50 * random.NextSingle(), 50 * random.NextSingle());
            return [x, y, x + 4 + 30 * random.NextSingle(), y + 4 + 30 * random.NextSingle()];
        }
    }

    private static (int[] Matched, float[] Overlaps) Assign(float[] classes, float[] objectness, float[] boxes, float[] truths, int[] labels)
    {
        var (matched, overlaps) = (new int[4], new float[4]);
        SimOta.Assign(classes, objectness, boxes, Row, truths, labels, matched, overlaps);
        return (matched, overlaps);
    }

    private static float[] Flat(float[][] rows) => [.. rows.SelectMany(r => r)];
}
