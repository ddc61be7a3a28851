using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Assignment;

public sealed class AtssAssignerTests
{
    [Fact]
    public void TheThresholdTakesTheUnbiasedDeviation()
    {
        Assert.Equal(0.5160247, AtssAssigner.Threshold([0.1, 0.2, 0.3, 0.6]), 7);
        // With n instead of n - 1 it would be this.
        Assert.NotEqual(0.4870829, AtssAssigner.Threshold([0.1, 0.2, 0.3, 0.6]), 3);
        Assert.Equal(0.4, AtssAssigner.Threshold([0.4]));
        Assert.Equal(0, AtssAssigner.Threshold([]));
        // A mean above nine equal numbers would leave a box without any cell.
        Assert.Equal(0.1, AtssAssigner.Threshold([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]));
    }

    // Anchors of one stride: overlaps with a box follow from the distance of its centre.
    private static readonly AtssAssigner Unit = new() { AnchorScale = 1, Candidates = 3 };

    [Fact]
    public void TheNearestCellsOfEachLevelAreCandidates()
    {
        // A row of cells 4 pixels apart and anchors of 8; the box is the anchor at x = 9.
        var cells = Row(8, 0, 4, 8, 12, 16);
        // Candidates 8, 12, 4 overlap by 7/9, 5/11, 3/13; the threshold lies between the first two.
        Assert.Equal([-1, -1, 0, -1, -1], Assign(Unit, cells, 5, -4, 13, 4));
        // Overlaps of 1, 1/3, 1/3: 0.94.
        Assert.Equal([-1, -1, 0, -1, -1], Assign(Unit, cells, 4, -4, 12, 4));
        Assert.Equal([0, -1, -1], Assign(Unit with { Candidates = 1 }, Row(8, 4, 8, 100), 2, -4, 10, 4)); // 4 and 8 tie
    }

    [Fact]
    public void ALevelWithFewerCellsGivesAll()
    {
        float[] cells = [.. Row(8, 0, 4, 8, 12, 16), .. Row(16, 8)];
        // The coarse anchor overlaps by 64/256; the threshold of 1, 1/3, 1/3, 1/4 is 0.83.
        Assert.Equal([-1, -1, 0, -1, -1, -1], Assign(Unit, cells, 4, -4, 12, 4));
        // 256 of the coarse anchor alone: the fine ones overlap by a quarter or less.
        Assert.Equal([-1, -1, -1, -1, -1, 0], Assign(Unit, cells, 0, -8, 16, 8));
    }

    [Fact]
    public void ASingleCandidateIsPositiveWhereItIsInside()
    {
        Assert.Equal([0], Assign(Unit, Row(8, 0), -2, -2, 2, 2));
        // Nothing overlaps: the threshold is 0, but the point lies outside.
        Assert.Equal([-1], Assign(Unit, Row(8, 0), 50, 50, 60, 60));
    }

    [Fact]
    public void ThePointKeepsAMargin()
    {
        Assert.Equal([-1], Assign(Unit, Row(8, 0), -0.01f, -2, 4, 2)); // (float)0.01 is below 0.01
        Assert.Equal([0], Assign(Unit, Row(8, 0), -0.0101f, -2, 4, 2));
    }

    [Fact]
    public void OfSeveralBoxesTheOneWithTheHighestOverlapThenTheFirst()
    {
        float[] loose = [-8, -4, 8, 4], tight = [-4, -4, 4, 5];
        Assert.Equal([1], Assign(Unit, Row(8, 0), [.. loose, .. tight]));
        Assert.Equal([0], Assign(Unit, Row(8, 0), [.. tight, .. loose]));
        Assert.Equal([0], Assign(Unit, Row(8, 0), [.. tight, .. tight]));
    }

    [Fact]
    public void EqualsAPlainSearchOnRandomBoxes()
    {
        var cells = PyramidCells.Points(96, 80, [8, 16, 32], CellPoint.Corner);
        var assigner = new AtssAssigner { AnchorScale = 4 };
        var random = new Random(5);
        for (var round = 0; round < 30; round++)
        {
            var boxes = new float[4 * random.Next(1, 7)];
            for (var i = 0; i < boxes.Length; i += 4)
            {
                (boxes[i], boxes[i + 1]) = (random.Next(0, 60), random.Next(0, 60));
                (boxes[i + 2], boxes[i + 3]) = (boxes[i] + random.Next(6, 40), boxes[i + 1] + random.Next(6, 40));
            }
            Assert.Equal(Plain(cells, boxes, 9, 4), Assign(assigner, cells, boxes));
        }
    }

    [Fact]
    public void NoBoxesNoCellsNaNAndArguments()
    {
        Assert.Equal([-1], Assign(Unit, Row(8, 0)));
        Assert.Empty(Assign(Unit, [], 0, 0, 9, 9));
        Assert.Equal([1], Assign(Unit, Row(8, 0), -4, -4, float.NaN, 4, -4, -4, 4, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => Assign(Unit with { Candidates = 0 }, Row(8, 0), 0, 0, 1, 1));
    }

    private static int[] Plain(float[] cells, float[] boxes, int k, double scale)
    {
        var all = Enumerable.Range(0, cells.Length / 3).Select(i => (Index: i, X: (double)cells[3 * i], Y: (double)cells[3 * i + 1], Stride: cells[3 * i + 2])).ToArray();
        var best = all.Select(_ => (Box: -1, Iou: 0.0)).ToArray();
        for (var box = 0; box < boxes.Length / 4; box++)
        {
            double x1 = boxes[4 * box], y1 = boxes[4 * box + 1], x2 = boxes[4 * box + 2], y2 = boxes[4 * box + 3];
            var candidates = all.GroupBy(c => c.Stride)
                .SelectMany(level => level.OrderBy(c => Square(c.X - (x1 + x2) / 2) + Square(c.Y - (y1 + y2) / 2)).Take(k)) // a stable order
                .Select(c =>
                {
                    var half = scale * c.Stride / 2;
                    var shared = Math.Max(0, Math.Min(c.X + half, x2) - Math.Max(c.X - half, x1)) * Math.Max(0, Math.Min(c.Y + half, y2) - Math.Max(c.Y - half, y1));
                    return (Cell: c, Iou: shared / (4 * half * half + (x2 - x1) * (y2 - y1) - shared));
                }).ToArray();
            var mean = candidates.Average(c => c.Iou);
            var threshold = mean + Math.Sqrt(candidates.Sum(c => Square(c.Iou - mean)) / (candidates.Length - 1));
            foreach (var (c, iou) in candidates)
            {
                Assert.True(Math.Abs(iou - threshold) > 1e-12, "the case is on the edge");
                var isInside = Math.Min(Math.Min(c.X - x1, x2 - c.X), Math.Min(c.Y - y1, y2 - c.Y)) > 0.01;
                if (iou >= threshold && isInside && (best[c.Index].Box < 0 || iou > best[c.Index].Iou)) best[c.Index] = (box, iou);
            }
        }
        return [.. best.Select(b => b.Box)];
    }

    private static float[] Row(float stride, params float[] xs) => [.. xs.SelectMany(x => new[] { x, 0, stride })];

    private static double Square(double x) => x * x;

    private static int[] Assign(CellAssigner assigner, float[] cells, params float[] boxes)
    {
        var assigned = new int[cells.Length / 3];
        assigner.Assign(cells, boxes, assigned);
        return assigned;
    }
}
