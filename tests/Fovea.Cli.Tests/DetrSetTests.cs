using Fovea.Cli.Experiments.DetrSet;
using Fovea.Data;
using Fovea.Detection;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class DetrSetTests
{
    private static readonly LabelledObject[] Objects = [new(0, 0, 0, 10, 10), new(0, 20, 0, 30, 10), new(1, 0, 20, 10, 30)];

    // A second box of the first object counts; one of another class, one too far off and one below the score do not.
    [Fact]
    public void DuplicatesNameAnObjectAgain()
    {
        ObjectDetection[] found =
        [
            Box(0, 0, 0.9f, 0), Box(1, 0, 0.8f, 0), Box(20, 0, 0.7f, 0), Box(0, 0, 0.6f, 1), Box(6, 0, 0.5f, 0), Box(0, 20, 0.45f, 1), Box(0, 1, 0.4f, 0), Box(20, 1, 0.2f, 0),
        ];
        Assert.Equal(2, DetectedScenes.CountDuplicates(Objects, found, least: 0.3));
        Assert.Equal(3, DetectedScenes.CountDuplicates(Objects, found, least: 0.1));
        Assert.Equal(0, DetectedScenes.CountDuplicates(Objects, found.Take(1), least: 0.1));
        Assert.Equal(0, DetectedScenes.CountDuplicates([], found, least: 0.1));
    }

    private static ObjectDetection Box(float x, float y, float score, int label) => new() { X1 = x, Y1 = y, X2 = x + 10, Y2 = y + 10, Score = score, Class = label };
}
