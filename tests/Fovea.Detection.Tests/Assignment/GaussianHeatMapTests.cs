using Fovea.Detection.Assignment;

namespace Fovea.Detection.Tests.Assignment;

public sealed class GaussianHeatMapTests
{
    [Theory]
    [InlineData(10, 10, 0.7, 2.7332, 0.8167)]
    [InlineData(10, 20, 0.7, 3.6779, 1.0774)]
    [InlineData(32, 32, 0.7, 8.7462, 2.6134)]
    [InlineData(32, 32, 0.3, 15.8542, 7.2364)]
    [InlineData(100, 60, 0.7, 20.6047, 6.0884)]
    [InlineData(5, 5, 0.7, 1.3666, 0.4083)]
    public void BothRadiiAreThoseOfTheirRule(double height, double width, double minOverlap, double published, double corrected)
    {
        Assert.Equal(published, GaussianHeatMap.Radius(height, width, minOverlap, RadiusRule.Published), 4);
        Assert.Equal(corrected, GaussianHeatMap.Radius(height, width, minOverlap), 4);
        Assert.Equal(GaussianHeatMap.Radius(height, width, minOverlap), GaussianHeatMap.Radius(width, height, minOverlap), 12);
    }

    // What the radius is for; the published one does not hold it.
    [Theory]
    [InlineData(10, 10, 0.7)]
    [InlineData(7, 40, 0.5)]
    [InlineData(64, 16, 0.3)]
    public void CornersWithinTheRadiusKeepTheOverlap(double height, double width, double minOverlap)
    {
        Assert.Equal(minOverlap, WorstIou(GaussianHeatMap.Radius(height, width, minOverlap)), 9);
        Assert.True(WorstIou(GaussianHeatMap.Radius(height, width, minOverlap, RadiusRule.Published)) < minOverlap);

        double WorstIou(double r)
        {
            var area = height * width;
            var shifted = (height - r) * (width - r);
            var (inside, outside) = ((height - 2 * r) * (width - 2 * r), (height + 2 * r) * (width + 2 * r));
            return Math.Min(shifted / (2 * area - shifted), Math.Min(Math.Max(0, inside) / area, area / outside));
        }
    }

    [Fact]
    public void RadiiOfNothingAreZeroAndBadArgumentsAreNamed()
    {
        Assert.Equal(0, GaussianHeatMap.Radius(0, 0));
        Assert.Equal("height", Assert.Throws<ArgumentOutOfRangeException>(() => GaussianHeatMap.Radius(-1, 1)).ParamName);
        Assert.Equal("minOverlap", Assert.Throws<ArgumentOutOfRangeException>(() => GaussianHeatMap.Radius(1, 1, 1)).ParamName);
        Assert.Equal("minOverlap", Assert.Throws<ArgumentOutOfRangeException>(() => GaussianHeatMap.Radius(1, 1, double.NaN)).ParamName);
        Assert.Equal("heat", Assert.Throws<ArgumentException>(() => GaussianHeatMap.Splat(new float[3], 2, 2, 1, 0, 0, 0, 0)).ParamName);
        Assert.Equal("label", Assert.Throws<ArgumentOutOfRangeException>(() => GaussianHeatMap.Splat(new float[4], 2, 2, 1, 1, 0, 0, 0)).ParamName);
        Assert.Equal("x", Assert.Throws<ArgumentOutOfRangeException>(() => GaussianHeatMap.Splat(new float[4], 2, 2, 1, 0, 2, 0, 0)).ParamName);
        Assert.Equal("y", Assert.Throws<ArgumentOutOfRangeException>(() => GaussianHeatMap.Splat(new float[4], 2, 2, 1, 0, 0, -1, 0)).ParamName);
    }

    [Theory]
    [InlineData(1, new[] { 1, 0.135335 }, 0.018316)]
    [InlineData(2, new[] { 1, 0.486752, 0.056135 }, 0.003151)]
    [InlineData(3, new[] { 1, 0.692569, 0.230066, 0.036658 }, 0.001344)]
    public void ValuesFallWithSixSigmaPerDiameter(int radius, double[] axis, double corner)
    {
        const int side = 9;
        var heat = new float[side * side];
        GaussianHeatMap.Splat(heat, side, side, 1, 0, 4, 4, radius);
        for (var i = 0; i < axis.Length; i++)
            foreach (var at in (int[])[4 * side + 4 + i, 4 * side + 4 - i, (4 + i) * side + 4, (4 - i) * side + 4])
                Assert.Equal(axis[i], heat[at], 6);
        Assert.Equal(corner, heat[(4 + radius) * side + 4 + radius], 6);
        Assert.Equal(1f, heat[4 * side + 4]);
        Assert.Equal((2 * radius + 1) * (2 * radius + 1), heat.Count(v => v > 0));
    }

    // The cut of values below epsilon would change nothing, however large the radius.
    [Fact]
    public void NoValueInsideTheRadiusIsBelowTheCut()
    {
        const int radius = 300, side = 2 * radius + 1;
        var heat = new float[side * side];
        GaussianHeatMap.Splat(heat, side, side, 1, 0, radius, radius, radius);
        Assert.True(heat.Min() > Math.Exp(-9) && heat.Min() > 1.2e-7f * heat.Max());
        Assert.Single(heat, 1f);
    }

    [Fact]
    public void NeighboursTakeTheLargerValueAndOnlyTheirClass()
    {
        const int side = 6;
        var (heat, alone) = (new float[side * side * 2], new float[side * side * 2]);
        GaussianHeatMap.Splat(heat, side, side, 2, 1, 0, 0, 2);
        GaussianHeatMap.Splat(heat, side, side, 2, 1, 2, 1, 3);
        GaussianHeatMap.Splat(alone, side, side, 2, 1, 2, 1, 3);
        for (var y = 0; y < side; y++)
            for (var x = 0; x < side; x++)
            {
                var first = Math.Max(x, y) <= 2 ? Math.Exp(-(x * x + y * y) * 18.0 / 25) : 0;
                Assert.Equal(Math.Max(first, alone[(y * side + x) * 2 + 1]), heat[(y * side + x) * 2 + 1], 6);
                Assert.Equal(0, heat[(y * side + x) * 2]);
            }
        Assert.Equal(1f, heat[1]);
        Assert.Equal(1f, heat[(side + 2) * 2 + 1]);
    }
}
