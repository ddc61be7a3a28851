using Fovea.Detection.Pyramids;

namespace Fovea.Detection.Tests.Pyramids;

public sealed class RoiLevelsTests
{
    [Theory]
    [InlineData(112, 112, 3)]
    [InlineData(223.9, 223.9, 3)]
    [InlineData(224, 224, 4)]
    [InlineData(112, 448, 4)] // the area counts
    [InlineData(448, 448, 5)]
    [InlineData(56, 56, 2)]
    [InlineData(5000, 5000, 5)]
    [InlineData(1, 1, 2)]
    [InlineData(0, 10, 2)]
    public void BoxesHaveThePublishedLevels(double width, double height, int level) => Assert.Equal(level, RoiLevels.Of(width, height));

    [Fact]
    public void OtherPyramidsHaveOtherEnds() => Assert.Equal((3, 7), (RoiLevels.Of(1, 1, 3, 7), RoiLevels.Of(5000, 5000, 3, 7)));
}
