using Fovea.Data;
using Fovea.Models;
using Fovea.Models.CenterNet;

namespace Fovea.Detection;

/// <summary>The weights of CenterNet on MobileNetV3 on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="CenterNetSession"/>.</summary>
public sealed class CenterNetModel : IDisposable
{
    private readonly DeviceStream _stream;

    internal CenterNetModel(Device device, Func<DeviceStream, CenterNetNet> create)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = create(_stream);
            const int cells = CenterNetNet.Cells;
            Corners = DeviceTensor.Allocate(_stream, DType.Float32, cells, cells, 2);
            Corners.Fill(_stream, 0);
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

    /// <summary>Names of the classes, by <see cref="ObjectDetection.Class"/>: COCO's.</summary>
    public static ReadOnlySpan<string> ClassNames => CocoClasses.Names;

    internal CenterNetNet Net { get; } = null!;

    /// <summary>Where in a cell the network counts from: its corner, (0, 0), for all cells.</summary>
    internal DeviceTensor Corners { get; } = null!;

    /// <summary>Loads the weights that <c>fovea models fetch centernet</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static CenterNetModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new CenterNetModel(device, s => CenterNetNet.Load(s, store));
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        Corners?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }
}
