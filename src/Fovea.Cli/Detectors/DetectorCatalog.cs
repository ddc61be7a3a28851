using System.Numerics;
using Fovea.Data;
using Fovea.Detection;
using Fovea.Models;

namespace Fovea.Cli.Detectors;

/// <summary>The detectors that <c>--model</c> chooses from: the only file that knows their APIs.</summary>
internal static class DetectorCatalog
{
    internal static string[] Names { get; } =
    [
        "mtcnn", "blazeface", "blazeface-full-range", "tiny-yolov2-face", "nanodet", "ssd-mobilenetv2", "faceboxes", "handtrack",
    ];

    /// <summary>Loads the detector that <paramref name="options"/> name, with the weights of the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    internal static IDetector Create(DetectorOptions options, ModelStore store)
    {
        if (options.Threads is { } threads) FoveaRuntime.Threads = new ThreadPoolOptions { Count = threads };
        return options.Model switch
        {
            "mtcnn" => Mtcnn(options, store),
            "blazeface" => BlazeFace(options, store, BlazeFaceRange.ShortRange),
            "blazeface-full-range" => BlazeFace(options, store, BlazeFaceRange.FullRange),
            "tiny-yolov2-face" => TinyYoloFace(options, store),
            "nanodet" => NanoDet(options, store),
            "ssd-mobilenetv2" => Ssd(options, store),
            "faceboxes" => FaceBoxes(options, store),
            "handtrack" => Handtrack(options, store),
            var name => throw new ArgumentException($"there is no detector '{name}'", nameof(options)),
        };
    }

    private static SessionDetector<FaceDetection> Mtcnn(DetectorOptions options, ModelStore store)
    {
        var mtcnn = new MtcnnOptions();
        if (options.MinFace is { } minFace) mtcnn = mtcnn with { MinFace = minFace };
        if (options.Threshold is { } threshold) mtcnn = mtcnn with { ONetThreshold = threshold };
        if (options.Area) mtcnn = mtcnn with { Resampling = ResizeMode.Area };
        return Open(MtcnnModel.Load(Device.Cpu, store), m => new MtcnnSession(m, mtcnn), mtcnn.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, ((ReadOnlySpan<Vector2>)d.Landmarks).ToArray()));
    }

    private static SessionDetector<BlazeFaceDetection> BlazeFace(DetectorOptions options, ModelStore store, BlazeFaceRange range)
    {
        var blazeFace = new BlazeFaceOptions();
        if (options.Threshold is { } threshold) blazeFace = blazeFace with { Threshold = threshold };
        if (options.Area) blazeFace = blazeFace with { Resampling = ResizeMode.Area };
        return Open(BlazeFaceModel.Load(Device.Cpu, store, range), m => new BlazeFaceSession(m, blazeFace), blazeFace.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, ((ReadOnlySpan<Vector2>)d.Landmarks).ToArray()));
    }

    private static SessionDetector<BoxDetection> TinyYoloFace(DetectorOptions options, ModelStore store)
    {
        var yolo = new TinyYoloFaceOptions();
        if (options.Threshold is { } threshold) yolo = yolo with { Threshold = threshold };
        if (options.Area) yolo = yolo with { Resampling = ResizeMode.Area };
        return Open(TinyYoloFaceModel.Load(Device.Cpu, store), m => new TinyYoloFaceSession(m, yolo), yolo.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, []));
    }

    private static SessionDetector<ObjectDetection> NanoDet(DetectorOptions options, ModelStore store)
    {
        var nanoDet = new NanoDetOptions();
        if (options.Threshold is { } threshold) nanoDet = nanoDet with { Threshold = threshold };
        if (options.Area) nanoDet = nanoDet with { Resampling = ResizeMode.Area };
        return Open(NanoDetModel.Load(Device.Cpu, store), m => new NanoDetSession(m, nanoDet), nanoDet.MaxDetections,
            d => new DetectedObject(CocoClasses.Names[d.Class], d.Score, d.X1, d.Y1, d.X2, d.Y2, [], d.Class));
    }

    private static SessionDetector<ObjectDetection> Ssd(DetectorOptions options, ModelStore store)
    {
        var ssd = new SsdOptions();
        if (options.Threshold is { } threshold) ssd = ssd with { Threshold = threshold };
        if (options.Area) ssd = ssd with { Resampling = ResizeMode.Area };
        return Open(SsdModel.Load(Device.Cpu, store), m => new SsdSession(m, ssd), ssd.MaxDetections,
            d => new DetectedObject(SsdModel.ClassNames[d.Class], d.Score, d.X1, d.Y1, d.X2, d.Y2, [], d.Class));
    }

    private static SessionDetector<BoxDetection> FaceBoxes(DetectorOptions options, ModelStore store)
    {
        var faceBoxes = new FaceBoxesOptions();
        if (options.Threshold is { } threshold) faceBoxes = faceBoxes with { Threshold = threshold };
        if (options.Area) faceBoxes = faceBoxes with { Resampling = ResizeMode.Area };
        return Open(FaceBoxesModel.Load(Device.Cpu, store), m => new FaceBoxesSession(m, faceBoxes), faceBoxes.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, []));
    }

    private static SessionDetector<ObjectDetection> Handtrack(DetectorOptions options, ModelStore store)
    {
        var handtrack = new HandtrackOptions();
        if (options.Threshold is { } threshold) handtrack = handtrack with { Threshold = threshold };
        if (options.Area) handtrack = handtrack with { Resampling = ResizeMode.Area };
        return Open(HandtrackModel.Load(Device.Cpu, store), m => new HandtrackSession(m, handtrack), handtrack.MaxDetections,
            d => new DetectedObject(HandtrackModel.ClassNames[d.Class], d.Score, d.X1, d.Y1, d.X2, d.Y2, [], d.Class));
    }

    private static SessionDetector<TDetection> Open<TModel, TDetection>(
        TModel model, Func<TModel, DetectorSession<TDetection>> createSession, int capacity, Func<TDetection, DetectedObject> convert)
        where TModel : IDisposable
        where TDetection : unmanaged
    {
        try
        {
            return new SessionDetector<TDetection>(model, createSession(model), capacity, convert);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
