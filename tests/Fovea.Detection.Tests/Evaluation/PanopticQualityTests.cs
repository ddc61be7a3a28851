using Fovea.Detection.Evaluation;

namespace Fovea.Detection.Tests.Evaluation;

public class PanopticQualityTests
{
    [Fact]
    public void PerfectAndMissingAndFalseSegments()
    {
        var quality = new PanopticQuality(4);
        int[] truth = [1, 1, 1, 1, 2, 2, 3, 3];
        int[] predicted = [7, 7, 7, 7, 8, 0, 9, 9];
        // Category 0 found whole, category 1 found by half (not above 0.5), category 2 taken for category 3.
        quality.Add(truth, [new(1, 0), new(2, 1), new(3, 2)], predicted, [new(7, 0), new(8, 1), new(9, 3)]);
        Assert.Equal(new PanopticScore(1, 1, 1), quality.Of(0));
        Assert.Equal(new PanopticScore(0, 0, 0), quality.Of(1));
        Assert.Equal(new PanopticScore(0, 0, 0), quality.Of(2));
        Assert.Equal(new PanopticScore(0, 0, 0), quality.Of(3));
        Assert.Equal(0.25, quality.Mean().Pq);
        Assert.Equal(0.5, quality.Mean([0, 1]).Pq);
    }

    /// <summary>Truth of 4 pixels, prediction of 5, 3 in common: 3 / 6 is no match; with one wrong pixel in void it is 3 / 5.</summary>
    [Theory]
    [InlineData(2, 0)]
    [InlineData(0, 1)]
    public void VoidIsTakenOutOfTheUnion(int beside, int hits)
    {
        var quality = new PanopticQuality(2);
        quality.Add([1, 1, 1, 1, beside, 2], [new(1, 0), new(2, 1)], [5, 5, 5, 0, 5, 5], [new(5, 0)]);
        Assert.Equal(hits == 1 ? new PanopticScore(0.6, 0.6, 1) : new PanopticScore(0, 0, 0), quality.Of(0));
    }

    [Fact]
    public void WrongSegmentsInVoidOrInACrowdOfTheirCategoryAreForgiven()
    {
        int[] truth = [0, 0, 0, 0, 4, 4, 4, 4, 1];
        int[] predicted = [5, 5, 5, 0, 6, 6, 7, 7, 1];
        var quality = new PanopticQuality(2);
        // 5 in void and 6 in the crowd of category 0 are forgiven; 7 is of another category.
        quality.Add(truth, [new(4, 0, IsCrowd: true), new(1, 0)], predicted, [new(5, 0), new(6, 0), new(7, 1), new(1, 0)]);
        Assert.Equal(new PanopticScore(1, 1, 1), quality.Of(0));
        Assert.Equal(new PanopticScore(0, 0, 0), quality.Of(1));
    }

    [Fact]
    public void QualitySumsOverImages()
    {
        var quality = new PanopticQuality(1);
        quality.Add([1, 1, 1, 1], [new(1, 0)], [2, 2, 2, 2], [new(2, 0)]);
        quality.Add([1, 1, 1, 1], [new(1, 0)], [2, 2, 2, 0], [new(2, 0)]);
        quality.Add([1, 1, 1, 1], [new(1, 0)], [0, 0, 0, 0], []);
        quality.Add([], [], [], []);
        var score = quality.Of(0);
        Assert.Equal(1.75 / 2.5, score.Pq, 15);
        Assert.Equal(1.75 / 2, score.Sq, 15);
        Assert.Equal(2 / 2.5, score.Rq, 15);
        Assert.True(double.IsNaN(new PanopticQuality(1).Of(0).Pq));
        Assert.True(double.IsNaN(new PanopticQuality(1).Mean().Pq));
    }

    [Fact]
    public void ARefusedImageAddsNothing()
    {
        var quality = new PanopticQuality(1);
        Check("2 and 1 pixels", [1, 1], [new(1, 0)], [1], [new(1, 0)]);
        Check("truth: the map holds segment 2", [2], [], [0], []);
        Check("prediction: the map holds segment 3", [1], [new(1, 0)], [3], []);
        Check("prediction: segment 1 has category 1 of 1", [1], [new(1, 0)], [1], [new(1, 1)]);
        Check("truth: segment id 1 is void or occurs twice", [1], [new(1, 0), new(1, 0)], [0], []);
        Check("truth: segment id 0 is void", [0], [new(0, 0)], [0], []);
        Check("truth: segment 2 has no pixel", [1], [new(1, 0), new(2, 0)], [0], []);
        Check("is a crowd", [1], [new(1, 0)], [1], [new(1, 0, IsCrowd: true)]);
        Assert.True(double.IsNaN(quality.Of(0).Pq));
        Assert.Throws<ArgumentOutOfRangeException>(() => quality.Of(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PanopticQuality(0));

        void Check(string message, int[] truthMap, PanopticSegment[] truth, int[] predictedMap, PanopticSegment[] predicted) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => quality.Add(truthMap, truth, predictedMap, predicted)).Message);
    }
}
