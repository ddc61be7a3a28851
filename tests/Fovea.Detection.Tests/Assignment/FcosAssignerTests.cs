using Fovea.Detection.Assignment;
using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Assignment;

public sealed class FcosAssignerTests
{
    private static readonly int[] Strides = [8, 16, 32, 64, 128];
    private static readonly FcosAssigner WholeBox = new() { CentreRadius = float.PositiveInfinity };

    [Fact]
    public void APyramidHasItsPublishedNumberOfLocations()
    {
        Assert.Equal(22_400, PyramidCells.Count(800, 1344, Strides));
        Assert.Equal([4, 4, 8, 12, 4, 8, 4, 12, 8, 12, 12, 8, 8, 8, 16], PyramidCells.Points(16, 16, [8, 16], CellPoint.Middle));
        Assert.Equal([0, 0, 8, 8, 0, 8, 0, 8, 8, 8, 8, 8, 0, 0, 16], PyramidCells.Points(16, 9, [8, 16], CellPoint.Corner));
    }

    [Fact]
    public void CenternessIsPublished()
    {
        Assert.Equal(0.5773503f, FcosAssigner.Centerness(5, 10, 15, 10), 6);
        Assert.Equal(0.1666667f, FcosAssigner.Centerness(1, 2, 9, 8), 6);
        Assert.Equal(0, FcosAssigner.Centerness(0, 3, 4, 5));
        Assert.Equal(1, FcosAssigner.Centerness(7, 2, 7, 2));
    }

    // One cell of each level at (200, 200), and a box around it whose farthest side is as far as given.
    [Theory]
    [InlineData(0.5f, 0)]
    [InlineData(64, 0)]
    [InlineData(64.5f, 1)]
    [InlineData(128, 1)]
    [InlineData(256, 2)]
    [InlineData(512, 3)]
    [InlineData(512.5f, 4)]
    [InlineData(5000, 4)]
    public void EveryDistanceBelongsToOneLevel(float farthest, int level)
    {
        float[] cells = [.. Strides.SelectMany(s => new float[] { 200, 200, s })];
        var assigned = Assign(WholeBox, cells, 200 - 0.25f, 200 - 0.25f, 200 + farthest, 200 + 0.25f);
        Assert.Equal(Enumerable.Range(0, 5).Select(l => l == level ? 0 : -1), assigned);
    }

    [Fact]
    public void APointMustLieInsideAndNearTheCentre()
    {
        float[] cell = [50, 50, 8];
        Assert.Equal([-1], Assign(WholeBox, cell, 50, 40, 60, 60)); // on an edge
        Assert.Equal([0], Assign(WholeBox, cell, 49.5f, 40, 90, 60));
        // 1.5 strides are 12 pixels, which is not inside any more.
        Assert.Equal([-1], Assign(new FcosAssigner(), cell, 42, 40, 82, 60));
        Assert.Equal([0], Assign(new FcosAssigner(), cell, 42, 40, 81.5f, 60));
        Assert.Equal([-1], Assign(new FcosAssigner(), cell, 45, 42, 55, 82));
    }

    [Fact]
    public void OfSeveralBoxesTheSmallestThenTheFirst()
    {
        float[] cell = [1000, 1000, 8];
        // Areas of 20x20, 10x11, 11x10.
        Assert.Equal([1], Assign(WholeBox, cell, 990, 990, 1010, 1010, 995, 995, 1005, 1006, 995, 995, 1006, 1005));
        // 22,801 and 22,800: single-precision (10^8 - area) cannot tell them apart.
        Assert.Equal([1], Assign(WholeBox with { CentreRadius = 100 }, [1000, 1000, 8, 1000, 1000, 16, 1000, 1000, 32],
            900, 950, 1051, 1101, 900, 950, 1050, 1102)[1..2]);
    }

    [Fact]
    public void BoxesOfModestAspectAlwaysGetACell()
    {
        var cells = PyramidCells.Points(800, 1344, Strides, CellPoint.Middle);
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            var (width, height) = (16 + 400 * random.NextSingle(), 0f);
            height = Math.Max(16, width * (0.5f + random.NextSingle()));
            var (x, y) = (random.NextSingle() * (1344 - width), random.NextSingle() * (800 - height));
            Assert.Contains(0, Assign(WholeBox, cells, x, y, x + width, y + height));
        }
        // A line of 4 by 300 pixels holds points of stride 8 alone, which are all farther than 64 pixels from an end.
        Assert.DoesNotContain(0, Assign(WholeBox, cells, 602, 100, 606, 400));
    }

    [Fact]
    public void NoBoxesNoCellsAndNaN()
    {
        Assert.Equal([-1], Assign(WholeBox, [8, 8, 8]));
        Assert.Empty(Assign(WholeBox, [], 0, 0, 9, 9));
        Assert.Equal([1], Assign(WholeBox, [8, 8, 8], 0, 0, float.NaN, 16, 0, 0, 16, 16));
    }

    [Fact]
    public void Arguments()
    {
        Assert.Throws<ArgumentException>(() => WholeBox.Assign([1, 2], [], new int[1]));
        Assert.Throws<ArgumentException>(() => WholeBox.Assign([1, 2, 8], [1, 2, 3], new int[1]));
    }

    private static int[] Assign(CellAssigner assigner, float[] cells, params float[] boxes)
    {
        var assigned = new int[cells.Length / 3];
        assigner.Assign(cells, boxes, assigned);
        return assigned;
    }
}
