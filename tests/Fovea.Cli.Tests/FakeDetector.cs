using System.Numerics;
using Fovea.Cli.Detectors;
using Fovea.Data;

namespace Fovea.Cli.Tests;

/// <summary>Finds one face in the middle of every image; its score is the threshold it was given.</summary>
internal sealed class FakeDetector(DetectorOptions options) : IDetector
{
    public IReadOnlyList<DetectedObject> Detect(RgbImage image)
    {
        if (image.Width == 666) throw new DetectionException("this size does not fit", new InvalidOperationException());
        var (x, y) = (image.Width / 4f, image.Height / 4f);
        Vector2[] landmarks = [new(2 * x - 1, y), new(2 * x + 1, y), new(2 * x, 2 * y), new(2 * x - 1, 3 * y), new(2 * x + 1, 3 * y)];
        return [new DetectedObject("face", options.Threshold ?? 0.987f, x, y, 3 * x, 3 * y, landmarks)];
    }

    public void Dispose()
    {
    }
}
