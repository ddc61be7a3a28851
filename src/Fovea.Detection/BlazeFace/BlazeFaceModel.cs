using Fovea.Data;
using Fovea.Models.BlazeFace;

namespace Fovea.Detection;

/// <summary>The weights of one BlazeFace network on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="BlazeFaceSession"/>.</summary>
public sealed class BlazeFaceModel : IDisposable
{
    private readonly DeviceStream _stream;

    private BlazeFaceModel(Device device, Func<DeviceStream, BlazeFaceNet> create)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = create(_stream);
            AnchorRows = DeviceTensor.From<float>(_stream, Rows(Net.AnchorCentres()), Net.Anchors, BlazeFaceNet.Outputs);
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

    internal BlazeFaceNet Net { get; } = null!;

    /// <summary>What turns the network's positions into pixels of its input: [anchors][16], the anchor's centre beside each position, 0
    /// beside width and height.</summary>
    internal DeviceTensor AnchorRows { get; } = null!;

    /// <summary>Loads the weights that <c>build/models.sh</c> brought; those of <see cref="BlazeFaceRange.BackCamera"/> come with
    /// <c>fovea models fetch blazeface-back</c>.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static BlazeFaceModel Load(Device device, ModelStore store, BlazeFaceRange range = BlazeFaceRange.ShortRange)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return range switch
        {
            BlazeFaceRange.ShortRange => new BlazeFaceModel(device, s => new ShortRangeNet(s, store.LoadTflite("blazeface", "short_range.tflite"))),
            BlazeFaceRange.FullRange => new BlazeFaceModel(device, s => new FullRangeNet(s, store.LoadTflite("blazeface", "full_range.tflite"))),
            BlazeFaceRange.BackCamera => new BlazeFaceModel(device, s => new BackCameraNet(s, store.LoadTfjs("blazeface-back", "blazeface.json"))),
            _ => throw new ArgumentOutOfRangeException(nameof(range), range, "There is no such network."),
        };
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        AnchorRows?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }

    private static float[] Rows(float[] centres)
    {
        var rows = new float[centres.Length / 2 * BlazeFaceNet.Outputs];
        for (int anchor = 0; anchor < centres.Length / 2; anchor++)
            for (int column = 0; column < BlazeFaceNet.Outputs; column++)
                if (column is not (2 or 3)) rows[anchor * BlazeFaceNet.Outputs + column] = centres[2 * anchor + column % 2];
        return rows;
    }
}
