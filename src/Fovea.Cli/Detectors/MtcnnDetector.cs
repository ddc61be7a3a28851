using System.Numerics;
using Fovea.Data;
using Fovea.Detection;

namespace Fovea.Cli.Detectors;

/// <summary>The MTCNN pipeline of Fovea.Detection: the only file that knows its API.</summary>
internal sealed class MtcnnDetector : IDetector
{
    private readonly MtcnnModel _model;
    private readonly MtcnnSession _session;
    private readonly FaceDetection[] _faces;

    internal MtcnnDetector(DetectorOptions options, ModelStore store)
    {
        var mtcnn = new MtcnnOptions();
        if (options.MinFace is { } minFace) mtcnn = mtcnn with { MinFace = minFace };
        if (options.Threshold is { } threshold) mtcnn = mtcnn with { ONetThreshold = threshold };
        if (options.Area) mtcnn = mtcnn with { Resampling = ResizeMode.Area };
        if (options.Threads is { } threads) FoveaRuntime.Threads = new ThreadPoolOptions { Count = threads };
        _model = MtcnnModel.Load(Device.Cpu, store);
        try
        {
            _session = new MtcnnSession(_model, mtcnn);
        }
        catch
        {
            _model.Dispose();
            throw;
        }
        _faces = new FaceDetection[mtcnn.MaxDetections];
    }

    public IReadOnlyList<DetectedObject> Detect(RgbImage image)
    {
        int count;
        try
        {
            count = _session.Detect(image.Pixels.Span, image.Width, image.Height, _faces);
        }
        catch (DeviceException e) when (e.Status is Status.OutOfMemory or Status.InvalidArgument or Status.Unsupported)
        {
            throw new DetectionException(e.Message, e);
        }
        var detections = new DetectedObject[count];
        for (var i = 0; i < count; i++)
        {
            ref readonly var face = ref _faces[i];
            var landmarks = new Vector2[FaceLandmarks.Count];
            for (var p = 0; p < landmarks.Length; p++) landmarks[p] = face.Landmarks[p];
            detections[i] = new DetectedObject("face", face.Score, face.X1, face.Y1, face.X2, face.Y2, landmarks);
        }
        return detections;
    }

    public void Dispose()
    {
        _session.Dispose();
        _model.Dispose();
    }
}
