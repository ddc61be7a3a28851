using Fovea.Data;
using Fovea.Models.TinyYolo;

namespace Fovea.Detection;

/// <summary>The weights of the tiny YOLO v2 for faces on one device. Immutable and safe for any number of threads; each thread makes its own
/// <see cref="TinyYoloFaceSession"/>.</summary>
public sealed class TinyYoloFaceModel : IDisposable
{
    /// <summary>Pixels of the input from one cell to the next.</summary>
    internal const int Stride = TinyYoloFaceNet.InputSize / TinyYoloFaceNet.Cells;

    private readonly DeviceStream _stream;

    private TinyYoloFaceModel(Device device, ModelStore store)
    {
        Device = device;
        _stream = device.CreateStream();
        try
        {
            Net = TinyYoloFaceNet.Load(_stream, store);
            var anchors = TinyYoloFaceNet.Anchors;
            int rows = TinyYoloFaceNet.Cells * TinyYoloFaceNet.Cells * anchors.Length;
            var origins = new float[2 * rows];
            var halves = new float[2 * rows];
            for (int row = 0; row < rows; row++)
            {
                int cell = row / anchors.Length;
                var (width, height) = anchors[row % anchors.Length];
                (origins[2 * row], origins[2 * row + 1]) = (cell % TinyYoloFaceNet.Cells, cell / TinyYoloFaceNet.Cells);
                (halves[2 * row], halves[2 * row + 1]) = (width * Stride / 2, height * Stride / 2);
            }

            Origins = DeviceTensor.From<float>(_stream, origins, rows, 2);
            HalfSizes = DeviceTensor.From<float>(_stream, halves, rows, 2);
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

    internal TinyYoloFaceNet Net { get; } = null!;

    /// <summary>Corner of each output row's cell, x and y in cells.</summary>
    internal DeviceTensor Origins { get; } = null!;

    /// <summary>Half the width and height of each output row's anchor in pixels of the input.</summary>
    internal DeviceTensor HalfSizes { get; } = null!;

    /// <summary>Loads the weights that <c>build/models.sh</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static TinyYoloFaceModel Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new TinyYoloFaceModel(device, store);
    }

    /// <summary>Frees the weights. Sessions must be disposed first.</summary>
    public void Dispose()
    {
        HalfSizes?.Dispose();
        Origins?.Dispose();
        Net?.Dispose();
        _stream.Dispose();
    }
}
