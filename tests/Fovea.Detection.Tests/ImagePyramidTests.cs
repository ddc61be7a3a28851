namespace Fovea.Detection.Tests;

public sealed class ImagePyramidTests
{
    [Fact]
    public void ScalesAreFacenets()
    {
        double[] expected = [0.6, 0.4254, 0.301609, 0.21384, 0.151613, 0.107494, 0.076213, 0.054035, 0.038311, 0.027162];
        double[] scales = ImagePyramid.Scales(640, 480, 20, 12, 0.709);
        Assert.Equal(expected.Length, scales.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], scales[i], 6);
        Assert.Equal((384, 288), (ImagePyramid.ScaledSize(640, scales[0]), ImagePyramid.ScaledSize(480, scales[0])));
        Assert.Equal((18, 14), (ImagePyramid.ScaledSize(640, scales[^1]), ImagePyramid.ScaledSize(480, scales[^1])));
    }

    [Theory]
    [InlineData(20000, 1)]
    [InlineData(19, 19)]
    [InlineData(1, 1)]
    public void AnImageSmallerThanTheFaceHasNoLevels(int width, int height) => Assert.Empty(ImagePyramid.Scales(width, height, 20, 12, 0.709));

    [Fact]
    public void TheSmallestImageHasOneLevel() => Assert.Single(ImagePyramid.Scales(20, 20, 20, 12, 0.709));
}
