using Fovea.Cli.Detectors;
using Fovea.Data;

namespace Fovea.Cli.Output;

/// <summary>Writes the result of one image to standard output.</summary>
internal interface IDetectionWriter
{
    void Write(string path, RgbImage image, double milliseconds, IReadOnlyList<DetectedObject> detections);
}
