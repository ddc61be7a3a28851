using Fovea.Data;
using Fovea.Models.FaceBoxes;

namespace Fovea.Detection;

/// <summary>The weights of FaceBoxes on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="FaceBoxesSession"/>.</summary>
public sealed class FaceBoxesModel : IDisposable
{
    /// <summary>Longest side of what the network sees, in pixels: that of its training.</summary>
    internal const int LongestSide = 1024;

    private readonly DeviceStream _stream;

    internal FaceBoxesModel(Device device, Func<DeviceStream, FaceBoxesNet> create)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = create(_stream);
            for (int level = 0; level < FaceBoxesNet.LevelCount; level++)
            {
                int side = LongestSide / FaceBoxesNet.Stride(level);
                AnchorMaps[level] = DeviceTensor.From<float>(
                    _stream, FaceBoxesNet.Anchors(level, LongestSide, LongestSide), side, side * FaceBoxesNet.PerCell(level) * 4);
            }

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

    internal FaceBoxesNet Net { get; } = null!;

    /// <summary>The anchors of the largest input, map by map: [rows of cells][what a row has]. Smaller inputs have the top left part.</summary>
    internal DeviceTensor[] AnchorMaps { get; } = new DeviceTensor[FaceBoxesNet.LevelCount];

    /// <summary>Loads the weights that <c>fovea models fetch faceboxes</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static FaceBoxesModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new FaceBoxesModel(device, stream => FaceBoxesNet.Load(stream, store));
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        foreach (var map in AnchorMaps) map?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }
}
