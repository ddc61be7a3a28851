namespace Fovea.Detection;

/// <summary>One caller's detector that looks at the whole image once: letterbox, network, boxes, suppression as one captured graph.</summary>
/// <inheritdoc path="/remarks"/>
/// <typeparam name="TDetection">What is found: four edges, a score, and floats that belong to them.</typeparam>
public abstract class SingleShotSession<TDetection> : DetectorSession<TDetection>
    where TDetection : unmanaged
{
    private protected SingleShotSession(Device device, SingleShotOptions options, DeviceStreamOptions? stream)
        : base(device, stream, Valid(options).MaxDetections, options.MaxCachedSizes) => Options = options;

    private protected SingleShotOptions Options { get; }

    /// <summary>Takes the edges of <paramref name="rows"/>, in place, from a letterbox back to an image of this size.</summary>
    private protected static void LeaveLetterbox(DeviceStream stream, DeviceTensor rows, in LetterboxOptions fit, int width, int height)
    {
        float scaleX = (float)width / fit.PlaceWidth, scaleY = (float)height / fit.PlaceHeight;
        for (int column = 0; column < 4; column++)
        {
            var edge = rows.Columns(column, 1);
            var (scale, place) = column % 2 == 0 ? (scaleX, fit.PlaceX) : (scaleY, fit.PlaceY);
            Kernels.Affine(stream, scale, -place * scale, edge, edge);
        }
    }

    /// <summary>Greedy suppression over <paramref name="rows"/> of the form of <typeparamref name="TDetection"/>; the survivors, best first,
    /// become the results.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="rows">The candidates.</param>
    /// <param name="results">Receives the survivors.</param>
    /// <param name="count">Receives their number.</param>
    /// <param name="classes">Classes of the candidates, Int32: only boxes of one class suppress each other. Null for one class.</param>
    /// <param name="valid">How many rows are candidates; null for all.</param>
    private protected void Suppress(
        DeviceStream stream, DeviceTensor rows, DeviceTensor results, DeviceTensor count, DeviceTensor? classes = null, DeviceTensor? valid = null)
    {
        using var keep = DeviceTensor.Allocate(stream, DType.Int32, Options.MaxDetections);
        using var keepCount = DeviceTensor.Allocate(stream, DType.Int32, 1);
        var nms = new NmsOptions { IouThreshold = Options.IouThreshold, ScoreThreshold = Options.Threshold };
        Kernels.Nms(stream, nms, rows.Columns(0, 4), rows.Columns(4, 1), classes, valid, keep, keepCount);
        count.Fill(stream, 0);
        Kernels.AppendRows(stream, rows, keep.WithLive(keepCount), results, count);
    }

    private static SingleShotOptions Valid(SingleShotOptions options)
    {
        options.Validate();
        return options;
    }
}
