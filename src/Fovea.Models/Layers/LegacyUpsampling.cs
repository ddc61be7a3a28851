namespace Fovea.Models;

/// <summary>Bilinear upsampling by 2 as TensorFlow 1 has it: row i of the result lies at row i / 2 of the input, and beyond the last row there
/// is the last row.</summary>
/// <remarks>Kernels count from the middles of pixels. A crop moved by a quarter of a pixel takes the same samples, and one more row and
/// column, copies of the last, stand for what is beyond the edge.</remarks>
internal sealed class LegacyUpsampling : IDisposable
{
    // Crops are parallel, the rows of one are not.
    private const int Strips = 8;

    private static readonly CropResizeOptions Bilinear = new();

    private readonly int _side;
    private readonly DeviceTensor _strips;

    /// <param name="stream">Whose pool holds the constants.</param>
    /// <param name="side">Side of the square input, a multiple of 4.</param>
    public LegacyUpsampling(DeviceStream stream, int side)
    {
        _side = side;
        var boxes = new float[4 * Strips];
        float height = (float)side / Strips;
        for (int i = 0; i < Strips; i++)
        {
            // Sample i of a crop is at left + (i + 0.5) / 2 - 0.5 = i / 2.
            (boxes[4 * i], boxes[4 * i + 1]) = (0.25f, 0.25f + i * height);
            (boxes[4 * i + 2], boxes[4 * i + 3]) = (0.25f + side, 0.25f + (i + 1) * height);
        }

        _strips = DeviceTensor.From<float>(stream, boxes, Strips, 4);
    }

    /// <summary>Enqueues it: x <c>[1, side, side, C]</c> to y <c>[1, 2 side, 2 side, C]</c>, which may be a channel slice.</summary>
    public void Forward(DeviceStream stream, DeviceTensor x, DeviceTensor y)
    {
        long channels = x.Shape[3];
        using var wider = DeviceTensor.Allocate(stream, DType.Float32, 1, _side + 1, _side + 1, channels);
        DeviceTensor from = x.Reshape(_side, _side * channels), to = wider.Reshape(_side + 1, (_side + 1) * channels);
        var rows = to.Rows(0, _side);
        Kernels.Copy(stream, from, rows.Columns(0, _side * channels));
        Kernels.Copy(stream, from.Columns((_side - 1) * channels, channels), rows.Columns(_side * channels, channels));
        Kernels.Copy(stream, to.Rows(_side - 1, 1), to.Rows(_side, 1));
        Kernels.CropResize(stream, Bilinear, wider, _strips, batchIndex: null, y.Reshape(Strips, 2 * _side / Strips, 2 * _side, channels));
    }

    public void Dispose() => _strips.Dispose();
}
