using System.Globalization;
using System.Runtime.InteropServices;
using Fovea.Data;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>A trained <see cref="DetectionSystem"/> with what a file of weights must say about it: which system, which classes, which image
/// size. The file is safetensors; the rest is in its metadata.</summary>
public sealed class TrainedDetector : IDisposable
{
    private const string Format = "fovea-detector-1";
    private const int LargestSize = 4096, MostClasses = 10_000; // what a file may ask for before its weights are looked at

    private readonly DeviceStream? _stream; // which the weights are on, where it is the detector's own

    private TrainedDetector(string name, IReadOnlyList<string> classNames, DetectionSystem system, DeviceStream stream, bool ownsStream)
    {
        (Name, ClassNames, System, Device) = (name, classNames, system, stream.Device);
        if (ownsStream) _stream = stream;
    }

    /// <summary>One of <see cref="DetectionSystems.Names"/>.</summary>
    public string Name { get; }

    /// <summary>Names of the classes.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The system, in evaluation mode.</summary>
    public DetectionSystem System { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>Writes the present weights of a system: the whole file or none.</summary>
    /// <param name="stream">Where its tensors are used.</param>
    /// <param name="path">The file.</param>
    /// <param name="name">One of <see cref="DetectionSystems.Names"/>.</param>
    /// <param name="system">The weights.</param>
    /// <param name="classNames">As many as the system has classes.</param>
    public static void Save(DeviceStream stream, string path, string name, DetectionSystem system, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(classNames);
        if (classNames.Count != system.ClassCount) throw new ArgumentException($"{classNames.Count} names for {system.ClassCount} classes", nameof(classNames));
        var writer = new SafetensorsWriter();
        foreach (var (tensorName, tensor) in Tensors(system))
            writer.Add(tensorName, SafetensorsDType.F32, tensor.Shape, () => MemoryMarshal.AsBytes<float>(tensor.ToArray<float>(stream)).ToArray());
        writer.Metadata["format"] = Format;
        writer.Metadata["system"] = name;
        writer.Metadata["image_size"] = system.ImageSize.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["class_count"] = classNames.Count.ToString(CultureInfo.InvariantCulture);
        for (var i = 0; i < classNames.Count; i++) writer.Metadata[ClassKey(i)] = classNames[i];
        writer.Save(path);
    }

    /// <summary>Makes the system that a file describes and gives it the file's weights.</summary>
    /// <param name="device">Where the weights go. Any number of <see cref="TrainedDetectorSession"/>s use them.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="SafetensorsException">The file is damaged, or holds no detector of a known system.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static TrainedDetector Load(Device device, string path)
    {
        ArgumentNullException.ThrowIfNull(device);
        var stream = device.CreateStream();
        try
        {
            return Load(stream, path, ownsStream: true);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="Load(Device, string)"/>, with the weights in the pool of a stream that lives longer.</summary>
    public static TrainedDetector Load(DeviceStream stream, string path)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Load(stream, path, ownsStream: false);
    }

    private static TrainedDetector Load(DeviceStream stream, string path, bool ownsStream)
    {
        using var file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("format") != Format) throw new SafetensorsException(path, $"its metadata do not say 'format': '{Format}'");
        var name = file.Metadata.GetValueOrDefault("system", "");
        if (!DetectionSystems.Names.Contains(name)) throw new SafetensorsException(path, $"there is no system '{name}'; known: {string.Join(", ", DetectionSystems.Names)}");
        var size = Number(file, "image_size", LargestSize);
        if (size % 32 != 0) throw new SafetensorsException(path, $"an image size is a multiple of 32, not {size}");
        var classNames = new string[Number(file, "class_count", MostClasses)];
        for (var i = 0; i < classNames.Length; i++)
            classNames[i] = file.Metadata.TryGetValue(ClassKey(i), out var text) ? text : throw new SafetensorsException(path, $"class {i} has no name");

        var system = DetectionSystems.Create(name, Initializer.Undefined(stream), size, classNames.Length);
        try
        {
            Fill(stream, system, file);
            stream.Synchronize(); // sessions have streams of their own
            system.Train(false);
            return new TrainedDetector(name, classNames, system, stream, ownsStream);
        }
        catch
        {
            system.Dispose();
            throw;
        }
    }

    private static void Fill(DeviceStream stream, DetectionSystem system, SafetensorsFile file)
    {
        var tensors = Tensors(system).ToArray();
        foreach (var (name, tensor) in tensors)
        {
            if (!file.Tensors.TryGetValue(name, out var entry)) throw new SafetensorsException(file.Path, $"there is no tensor {name}");
            if (!entry.Shape.SequenceEqual(tensor.Shape.ToArray())) throw new SafetensorsException(file.Path, $"{entry} is not {name} {tensor}");
        }
        if (file.Tensors.Count != tensors.Length) throw new SafetensorsException(file.Path, $"it holds {file.Tensors.Count} tensors, the system {tensors.Length}");
        foreach (var (name, tensor) in tensors) tensor.CopyFrom<float>(stream, file.ReadFloats(name));
    }

    private static IEnumerable<(string Name, DeviceTensor Tensor)> Tensors(DetectionSystem system) =>
        system.Parameters.Select(p => (p.Name, p.Value)).Concat(system.Buffers);

    private static int Number(SafetensorsFile file, string key, int most) =>
        int.TryParse(file.Metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= most
            ? value
            : throw new SafetensorsException(file.Path, $"its metadata have no {key} from 1 to {most}");

    private static string ClassKey(int index) => string.Create(CultureInfo.InvariantCulture, $"class.{index}");

    /// <inheritdoc/>
    public void Dispose()
    {
        System.Dispose();
        _stream?.Dispose();
    }
}
