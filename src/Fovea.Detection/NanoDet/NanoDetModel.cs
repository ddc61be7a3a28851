using Fovea.Data;
using Fovea.Models.NanoDet;

namespace Fovea.Detection;

/// <summary>The weights of NanoDet on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="NanoDetSession"/>.</summary>
public sealed class NanoDetModel : IDisposable
{
    private readonly DeviceStream _stream;

    internal NanoDetModel(Device device, Func<DeviceStream, NanoDetNet> create)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = create(_stream);
            Cells = DeviceTensor.From<float>(_stream, NanoDetNet.Cells(), NanoDetNet.Rows, 3);
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

    internal NanoDetNet Net { get; } = null!;

    /// <summary><see cref="NanoDetNet.Cells"/>.</summary>
    internal DeviceTensor Cells { get; } = null!;

    /// <summary>Loads the weights that <c>fovea models fetch nanodet</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static NanoDetModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new NanoDetModel(device, stream => NanoDetNet.Load(stream, store));
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        Cells?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }
}
