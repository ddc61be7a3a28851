using System.CommandLine.Parsing;
using System.Numerics;
using Fovea.Data;
using Fovea.Detection;
using Fovea.Detection.Systems;
using Fovea.Models;

namespace Fovea.Cli.Detectors;

/// <summary>The detectors that <c>--model</c> chooses from: the only file that knows their APIs.</summary>
internal static class DetectorCatalog
{
    internal static string[] Names { get; } =
    [
        "mtcnn", "blazeface", "blazeface-full-range", "blazeface-back", "tiny-yolov2-face", "faceboxes", "handtrack", "nanodet",
        "ssd-mobilenetv2", "centernet",
    ];

    /// <summary>Checks <c>--model</c>: one of <see cref="Names"/>, or a file of a detector that was trained here.</summary>
    internal static void CheckModel(OptionResult result)
    {
        foreach (var token in result.Tokens)
            if (!Names.Contains(token.Value) && !IsFile(token.Value))
                result.AddError($"there is no detector '{token.Value}'; known: {string.Join(", ", Names)}, and .safetensors files of 'fovea train'");
    }

    private static bool IsFile(string model) => model.EndsWith(".safetensors", StringComparison.Ordinal);

    /// <summary>Loads the detector that <paramref name="options"/> name, with the weights of the cache.</summary>
    /// <exception cref="ModelNotInstalledException">The weights are not there.</exception>
    /// <exception cref="InvalidDataException">The weights are damaged.</exception>
    /// <exception cref="SafetensorsException">The same of a file.</exception>
    internal static IDetector Create(DetectorOptions options, ModelStore store)
    {
        if (options.Threads is { } threads) FoveaRuntime.Threads = new ThreadPoolOptions { Count = threads };
        return options.Model switch
        {
            "mtcnn" => Mtcnn(options, store),
            "blazeface" => BlazeFace(options, store, BlazeFaceRange.ShortRange),
            "blazeface-full-range" => BlazeFace(options, store, BlazeFaceRange.FullRange),
            "blazeface-back" => BlazeFace(options, store, BlazeFaceRange.BackCamera),
            "tiny-yolov2-face" => TinyYoloFace(options, store),
            "nanodet" => NanoDet(options, store),
            "ssd-mobilenetv2" => Ssd(options, store),
            "centernet" => CenterNet(options, store),
            "faceboxes" => FaceBoxes(options, store),
            "handtrack" => Handtrack(options, store),
            var file when IsFile(file) => Trained(options),
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
        var settings = Settings(new BlazeFaceOptions(), options);
        return Open(BlazeFaceModel.Load(Device.Cpu, store, range), m => new BlazeFaceSession(m, settings), settings.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, ((ReadOnlySpan<Vector2>)d.Landmarks).ToArray()));
    }

    private static SessionDetector<BoxDetection> TinyYoloFace(DetectorOptions options, ModelStore store)
    {
        var settings = Settings(new TinyYoloFaceOptions(), options);
        return Open(TinyYoloFaceModel.Load(Device.Cpu, store), m => new TinyYoloFaceSession(m, settings), settings.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, []));
    }

    private static SessionDetector<BoxDetection> FaceBoxes(DetectorOptions options, ModelStore store)
    {
        var settings = Settings(new FaceBoxesOptions(), options);
        return Open(FaceBoxesModel.Load(Device.Cpu, store), m => new FaceBoxesSession(m, settings), settings.MaxDetections,
            d => new DetectedObject("face", d.Score, d.X1, d.Y1, d.X2, d.Y2, []));
    }

    private static SessionDetector<ObjectDetection> Handtrack(DetectorOptions options, ModelStore store)
    {
        var settings = Settings(new HandtrackOptions(), options);
        return Open(HandtrackModel.Load(Device.Cpu, store), m => new HandtrackSession(m, settings), settings.MaxDetections,
            d => Object(HandtrackModel.ClassNames, d));
    }

    private static SessionDetector<ObjectDetection> NanoDet(DetectorOptions options, ModelStore store)
    {
        var settings = Settings(new NanoDetOptions(), options);
        return Open(NanoDetModel.Load(Device.Cpu, store), m => new NanoDetSession(m, settings), settings.MaxDetections,
            d => Object(CocoClasses.Names, d));
    }

    private static SessionDetector<ObjectDetection> Ssd(DetectorOptions options, ModelStore store)
    {
        var settings = Settings(new SsdOptions(), options);
        return Open(SsdModel.Load(Device.Cpu, store), m => new SsdSession(m, settings), settings.MaxDetections,
            d => Object(SsdModel.ClassNames, d));
    }

    private static SessionDetector<ObjectDetection> CenterNet(DetectorOptions options, ModelStore store)
    {
        var settings = Settings(new CenterNetOptions(), options);
        return Open(CenterNetModel.Load(Device.Cpu, store), m => new CenterNetSession(m, settings), settings.MaxDetections,
            d => Object(CenterNetModel.ClassNames, d));
    }

    private static SessionDetector<ObjectDetection> Trained(DetectorOptions options)
    {
        var settings = Settings(new TrainedDetectorOptions(), options);
        var model = TrainedDetector.Load(Device.Cpu, options.Model);
        string[] names = [.. model.ClassNames];
        return Open(model, m => new TrainedDetectorSession(m, settings), settings.MaxDetections, d => Object(names, d));
    }

    private static DetectedObject Object(ReadOnlySpan<string> names, ObjectDetection d) =>
        new(names[d.Class], d.Score, d.X1, d.Y1, d.X2, d.Y2, [], d.Class);

    // The model's own settings, but for what the command line says.
    private static TOptions Settings<TOptions>(TOptions settings, DetectorOptions options)
        where TOptions : SingleShotOptions
    {
        SingleShotOptions own = settings;
        return (TOptions)(own with
        {
            Threshold = options.Threshold ?? own.Threshold,
            Resampling = options.Area ? ResizeMode.Area : own.Resampling,
        });
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
