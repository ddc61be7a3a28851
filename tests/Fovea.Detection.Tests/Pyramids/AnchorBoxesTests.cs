using Fovea.Detection.Pyramids;

namespace Fovea.Detection.Tests.Pyramids;

public sealed class AnchorBoxesTests
{
    [Fact]
    public void OriginalAnchorsArePublished()
    {
        float[] expected =
        [
            -84, -40, 99, 55, -176, -88, 191, 103, -360, -184, 375, 199, -56, -56, 71, 71, -120, -120, 135, 135, -248, -248, 263, 263,
            -36, -80, 51, 95, -80, -168, 95, 183, -168, -344, 183, 359,
        ];
        Assert.Equal(expected, AnchorBoxes.Original(16, [0.5f, 1, 2], [8, 16, 32]));
    }

    [Fact]
    public void CentredAnchorsRoundHalvesToEven() =>
        Assert.Equal([-23, -11, 23, 11, -16, -16, 16, 16, -11, -23, 11, 23], AnchorBoxes.Centred([32], [0.5f, 1, 2]));

    // A pyramid over 800 by 1344 pixels, three anchors a cell.
    [Fact]
    public void AProposalNetworkHasItsNumberOfAnchors()
    {
        ReadOnlySpan<(int Height, int Width)> levels = [(200, 336), (100, 168), (50, 84), (25, 42), (13, 21)];
        var count = 0;
        for (var i = 0; i < levels.Length; i++)
        {
            var (height, width) = levels[i];
            var boxes = AnchorBoxes.Grid(AnchorBoxes.Centred([32 << i], [0.5f, 1, 2]), height, width, 800 / height, 1344 / width);
            count += boxes.Length / 4;
        }
        Assert.Equal(268_569, count);
        Assert.Equal([-1, -2, 1, 2, 3, -2, 5, 2, -1, 6, 1, 10, 3, 6, 5, 10], AnchorBoxes.Grid([-1, -2, 1, 2], 2, 2, strideY: 8, strideX: 4));
        Assert.Throws<ArgumentException>(() => AnchorBoxes.Grid([1, 2, 3], 2, 2, 8, 8));
    }

    [Fact]
    public void Ssd300HasItsDefaultBoxes()
    {
        double[] scales = [0.1, 0.2, 0.375, 0.55, 0.725, 0.9, 1.075];
        int[] sizes = [38, 19, 10, 5, 3, 1];
        var maps = sizes.Select((size, i) => AnchorBoxes.Ssd(size, size, scales[i], scales[i + 1], i is 0 or > 3 ? [2] : [2, 3])).ToArray();
        Assert.Equal(8732, maps.Sum(m => m.Length / 4));
        // The only cell of the last map: squares of 0.9 and sqrt(0.9 * 1.075), then 0.9 sqrt 2 by 0.9 / sqrt 2 and its opposite.
        float[] sides = [0.9f, 0.9f, 0.983616f, 0.983616f, 1.272792f, 0.636396f, 0.636396f, 1.272792f];
        for (var i = 0; i < 8; i++)
        {
            var (low, high) = (maps[5][i / 2 * 4 + i % 2], maps[5][i / 2 * 4 + 2 + i % 2]);
            Assert.Equal(sides[i], high - low, 1e-5f);
            Assert.Equal(0.5f, (high + low) / 2, 1e-6f);
        }
    }

    [Fact]
    public void PointsOfBothConventions()
    {
        Assert.Equal([4, 4, 12, 4, 20, 4, 4, 12, 12, 12, 20, 12], AnchorBoxes.Points(2, 3, stride: 8, offset: 4));
        Assert.Equal([0, 0, 8, 0], AnchorBoxes.Points(1, 2, stride: 8, offset: 0));
    }
}
