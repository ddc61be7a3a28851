using Fovea.Detection.Systems;

namespace Fovea.Detection.Tests.Systems.YoloV1;

public sealed class YoloV1CellsTests
{
    // Two cells of a side in an image of 100 pixels; the truth is centred at (.3, .6), .4 wide and .5 high.
    private static readonly (double, double, double, double) Truth = YoloV1Cells.Encode([10, 35, 50, 85], 2, 100);

    [Fact]
    public void TheTruthIsCodedRelativeToItsCell()
    {
        var (x, y, width, height) = Truth;
        Assert.Equal(0.6, x, 1e-12);
        Assert.Equal(0.2, y, 1e-12);
        Assert.Equal(Math.Sqrt(0.4), width, 1e-12);
        Assert.Equal(Math.Sqrt(0.5), height, 1e-12);
        Assert.Equal([-1, -1, 0, -1], YoloV1Cells.Objects([1], [10, 35, 50, 85], 2, 100));
    }

    [Fact]
    public void TheBoxOfTheLargestOverlapAnswers()
    {
        var (box, iou) = YoloV1Cells.Responsible([0.5f, 0.3f, 0.6f, 0.7f, 0.6f, 0.2f, 0.8f, 0.5f], Truth, 2);
        Assert.Equal(0, box);
        Assert.Equal(0.6397299, iou, 5e-8);
        (box, iou) = YoloV1Cells.Responsible([0.6f, 0.2f, 0.8f, 0.5f], Truth, 2);
        Assert.Equal(0, box);
        Assert.Equal(0.3846154, iou, 5e-8);
        // The better one last, and two equal ones.
        Assert.Equal(1, YoloV1Cells.Responsible([0.6f, 0.2f, 0.8f, 0.5f, 0.5f, 0.3f, 0.6f, 0.7f], Truth, 2).Box);
        Assert.Equal(0, YoloV1Cells.Responsible([0.5f, 0.3f, 0.6f, 0.7f, 0.5f, 0.3f, 0.6f, 0.7f], Truth, 2).Box);
    }

    [Fact]
    public void WithoutOverlapTheNearestBoxAnswersAndWithoutANearOneTheFirst()
    {
        Assert.Equal((1, 0.0), YoloV1Cells.Responsible([5, 5, 0.1f, 0.1f, 3, 3, 0.1f, 0.1f], Truth, 2));
        // An overlap wins over any distance, whichever comes first.
        Assert.Equal(0, YoloV1Cells.Responsible([0.9f, 0.9f, 0.6f, 0.6f, 0.6f, 0.2f, 0, 0], Truth, 2).Box);
        Assert.Equal(1, YoloV1Cells.Responsible([0.6f, 0.2f, 0, 0, 0.9f, 0.9f, 0.6f, 0.6f], Truth, 2).Box);
        // Differences of 20 and more do not count.
        Assert.Equal((0, 0.0), YoloV1Cells.Responsible([90, 0, 0, 0, 80, 0, 0, 0], Truth, 2));
        var (box, iou) = YoloV1Cells.Responsible([float.NaN, 0, 1, 1, float.NaN, 0, 1, 1], Truth, 2);
        Assert.Equal(0, box);
        Assert.True(double.IsNaN(iou));
    }

    [Fact]
    public void ACellKeepsTheLastOfItsObjects()
    {
        float[] boxes = [0, 0, 20, 20, 5, 5, 25, 25, 60, 60, 90, 90, 0, 0, 0, 50, 10, 10, 10, 10];
        // The fourth has no area; the fifth place is empty.
        Assert.Equal([1, -1, -1, 2], YoloV1Cells.Objects([0, 2, 1, 1, -1], boxes, 2, 100));
        // A centre on the far edge belongs to the last cell.
        Assert.Equal([-1, -1, -1, 0], YoloV1Cells.Objects([0], [90, 90, 110, 110], 2, 100));
    }
}
