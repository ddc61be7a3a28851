using Fovea.Data;
using Fovea.Models.Handtrack;

namespace Fovea.Detection;

/// <summary>The weights of the hand detector on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="HandtrackSession"/>.</summary>
public sealed class HandtrackModel : IDisposable
{
    private readonly DeviceStream _stream;

    internal HandtrackModel(Device device, Func<DeviceStream, HandtrackNet> create)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = create(_stream);
            Anchors = DeviceTensor.From(_stream, Net.Anchors, HandtrackNet.AnchorCount, 4);
            _stream.Synchronize();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What is recognised, in the order of <see cref="ObjectDetection.Class"/>.</summary>
    public static ReadOnlySpan<string> ClassNames => HandtrackNet.ClassNames;

    /// <summary>The device that holds the weights.</summary>
    public Device Device { get; }

    internal HandtrackNet Net { get; } = null!;

    /// <summary><see cref="HandtrackNet.Anchors"/>.</summary>
    internal DeviceTensor Anchors { get; } = null!;

    /// <summary>Loads the weights that <c>fovea models fetch handtrack</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static HandtrackModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new HandtrackModel(device, stream => HandtrackNet.Load(stream, store));
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        Anchors?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }
}
