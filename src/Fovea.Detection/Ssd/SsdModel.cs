using Fovea.Data;
using Fovea.Models.Ssd;

namespace Fovea.Detection;

/// <summary>The weights of SSD on MobileNetV2 on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="SsdSession"/>.</summary>
public sealed class SsdModel : IDisposable
{
    private readonly DeviceStream _stream;

    internal SsdModel(Device device, Func<DeviceStream, SsdMobileNetV2> create)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = create(_stream);
            float[] anchors = Array.ConvertAll(SsdMobileNetV2.AnchorBoxes(), share => share * SsdMobileNetV2.InputSize);
            Anchors = DeviceTensor.From<float>(_stream, anchors, SsdMobileNetV2.Anchors, 4);
            _stream.Synchronize();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The device that holds the weights.</summary>
    public Device Device { get; }

    /// <summary>Names of the classes, by <see cref="ObjectDetection.Class"/>.</summary>
    public static ReadOnlySpan<string> ClassNames => SsdMobileNetV2.ClassNames;

    internal SsdMobileNetV2 Net { get; } = null!;

    /// <summary>Edges of the anchors in pixels of the input, [1917][4].</summary>
    internal DeviceTensor Anchors { get; } = null!;

    /// <summary>Loads the weights that <c>fovea models fetch ssd-mobilenetv2</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static SsdModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new SsdModel(device, s => SsdMobileNetV2.Load(s, store));
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        Anchors?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }
}
