using Fovea.Data;

namespace Fovea.Cli.Detectors;

/// <summary>A loaded model behind the command line.</summary>
internal interface IDetector : IDisposable
{
    /// <exception cref="DetectionException">This image cannot be processed; others may.</exception>
    IReadOnlyList<DetectedObject> Detect(RgbImage image);
}
