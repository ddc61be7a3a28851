using Fovea.Data;
using Fovea.Detection;

namespace Fovea.Cli.Detectors;

/// <summary>A session of Fovea.Detection behind the command line; it owns both session and model.</summary>
internal sealed class SessionDetector<TDetection>(
    IDisposable model, DetectorSession<TDetection> session, int capacity, Func<TDetection, DetectedObject> convert) : IDetector
    where TDetection : unmanaged
{
    private readonly TDetection[] _results = new TDetection[capacity];

    public IReadOnlyList<DetectedObject> Detect(RgbImage image)
    {
        try
        {
            var count = session.Detect(image.Pixels.Span, image.Width, image.Height, _results);
            return Array.ConvertAll(_results[..count], d => convert(d));
        }
        catch (DeviceException e) when (e.Status is Status.OutOfMemory or Status.InvalidArgument or Status.Unsupported)
        {
            throw new DetectionException(e.Message, e);
        }
    }

    public void Dispose()
    {
        session.Dispose();
        model.Dispose();
    }
}
