namespace Fovea.Detection.Boxes;

/// <summary><see cref="BoxFormats.Convert"/> for boxes on a device, as a part of streams and captured graphs: a change of format is a
/// linear map of four numbers. A coordinate that is not finite makes its whole box NaN.</summary>
public sealed class BoxConverter : IDisposable
{
    private static readonly LinearOptions Options = new() { InFeatures = 4, OutFeatures = 4 };

    private readonly DeviceTensor _weights, _bias;

    /// <summary>Prepares the map.</summary>
    /// <param name="stream">A stream of the device that will convert.</param>
    /// <param name="from">Format of the boxes.</param>
    /// <param name="to">Format of the results.</param>
    /// <param name="plusOne">Whether corners name pixels that belong to the box.</param>
    public BoxConverter(DeviceStream stream, BoxFormat from, BoxFormat to, bool plusOne = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        // The columns of an affine map are its values at 0 and at the unit vectors.
        Span<float> units = [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
        BoxFormats.Convert(units, from, to, units, plusOne);
        var bias = units[..4];
        Span<float> weights = stackalloc float[16];
        for (int row = 0; row < 4; row++)
            for (int column = 0; column < 4; column++) weights[4 * row + column] = units[4 * (column + 1) + row] - bias[row];
        using var plain = DeviceTensor.From<float>(stream, weights, 4, 4);
        _weights = Kernels.PrepareLinear(stream, Options, plain);
        _bias = DeviceTensor.From<float>(stream, bias, 4);
    }

    /// <summary>Converts [N][4], or any number of leading dimensions, to y of the same shape.</summary>
    public void Convert(DeviceStream stream, DeviceTensor boxes, DeviceTensor y) =>
        Kernels.Linear(stream, Options, boxes, _weights, _bias, slope: null, y);

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _bias.Dispose();
    }
}
