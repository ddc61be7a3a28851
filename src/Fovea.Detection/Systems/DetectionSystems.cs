using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The systems that can be trained, by name, in the small configurations that a CPU trains in minutes.</summary>
public static class DetectionSystems
{
    private static readonly (string Name, Func<Initializer, int, int, DetectionSystem> Create, DetectorTrainingOptions Options)[] All =
    [
        ("centernet", CenterNetSystem.Small, new DetectorTrainingOptions()),
        ("cornernet", CornerNetSystem.Small, new DetectorTrainingOptions()),
        ("detr", DetrSystem.Small, new DetectorTrainingOptions { Steps = 2000, LearningRate = 6e-4f, MaxGradientNorm = 1 }),
        ("faster-rcnn", FasterRcnnSystem.Small, new DetectorTrainingOptions()),
        ("fcos", FcosSystem.Small, new DetectorTrainingOptions()),
        ("gfl", GflSystem.Small, new DetectorTrainingOptions { Steps = 300 }),
        ("ssd", SsdSystem.Small, new DetectorTrainingOptions()),
        ("vfnet", VfNetSystem.Small, new DetectorTrainingOptions { Steps = 400 }),
        ("yolov1", YoloV1System.Small, new DetectorTrainingOptions { Steps = 250 }),
        ("yolov2", YoloV2System.Small, new DetectorTrainingOptions { Steps = 400, LearningRate = 3e-3f }),
        ("yolox", YoloxSystem.Small, new DetectorTrainingOptions { Steps = 450, LearningRate = 5e-3f }),
    ];

    /// <summary>Names in alphabetical order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(s => s.Name).Order(StringComparer.Ordinal)];

    /// <summary>Makes an untrained system.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="imageSize">Pixels of a side; a multiple of 32.</param>
    /// <param name="classes">Classes of objects.</param>
    /// <exception cref="ArgumentException">The name is unknown, or the size does not fit.</exception>
    public static DetectionSystem Create(string name, Initializer init, int imageSize, int classes)
    {
        if (imageSize < 32 || imageSize % 32 != 0) throw new ArgumentException($"an image size is a multiple of 32, not {imageSize}", nameof(imageSize));
        return Find(name).Create(init, imageSize, classes);
    }

    /// <summary>Options under which the small configuration learns 64 scenes by heart.</summary>
    public static DetectorTrainingOptions Options(string name) => Find(name).Options;

    private static (string Name, Func<Initializer, int, int, DetectionSystem> Create, DetectorTrainingOptions Options) Find(string name)
    {
        foreach (var system in All)
            if (system.Name == name) return system;
        throw new ArgumentException($"there is no system '{name}'; known: {string.Join(", ", Names)}", nameof(name));
    }
}
