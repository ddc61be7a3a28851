using System.Numerics;
using Fovea.Models.BlazeFace;

namespace Fovea.Detection;

/// <summary>One caller's BlazeFace detector: letterbox, network, boxes and points, suppression as one captured graph.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class BlazeFaceSession : SingleShotSession<BlazeFaceDetection>
{
    private readonly BlazeFaceModel _model;
    private readonly BlazeFaceSuppression _suppression;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public BlazeFaceSession(BlazeFaceModel model, BlazeFaceOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new BlazeFaceOptions(), stream)
    {
        _model = model;
        _suppression = options?.Suppression ?? BlazeFaceSuppression.Greedy;
    }

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        var net = _model.Net;
        int width = (int)image.Shape[2], height = (int)image.Shape[1];
        // As in MediaPipe, the bars are black: PadValue is 0 before mean and scale.
        var fit = LetterboxOptions.Fit(width, height, net.InputSize, net.InputSize) with
        {
            Resize = new ResizeOptions { Mode = Options.Resampling },
            Mean = new Vector4(127.5f),
            Scale = new Vector4(1 / 127.5f),
        };
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, net.InputSize, net.InputSize, 3);
        Kernels.Letterbox(stream, fit, image, input);
        using var regressors = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, BlazeFaceNet.Outputs);
        using var logits = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, 1);
        net.Forward(stream, input, regressors, logits);

        using var faces = DeviceTensor.Allocate(stream, DType.Float32, net.Anchors, BlazeFaceDetection.Columns);
        RecordPoints(stream, regressors, (float)width / fit.PlaceWidth, (float)height / fit.PlaceHeight, fit.PlaceX, fit.PlaceY);
        var boxes = faces.Columns(0, 4);
        var scores = faces.Columns(4, 1);
        Kernels.Copy(stream, regressors.Columns(0, 4), boxes);
        Kernels.Activate(stream, Activation.Sigmoid, logits, slope: null, scores);
        Kernels.Copy(stream, regressors.Columns(4, 2 * BlazeFaceNet.Points), faces.Columns(5, 2 * BlazeFaceNet.Points));
        if (_suppression == BlazeFaceSuppression.Weighted)
            Average(stream, faces, results, count);
        else
            Suppress(stream, faces, results, count);
    }

    // All columns are averaged, then the score's is that of the best box again.
    private void Average(DeviceStream stream, DeviceTensor faces, DeviceTensor results, DeviceTensor count)
    {
        using var best = DeviceTensor.Allocate(stream, DType.Float32, results.Shape[0], 1);
        var nms = new WeightedNmsOptions { IouThreshold = Options.IouThreshold, ScoreThreshold = Options.Threshold };
        Kernels.WeightedNms(stream, nms, faces, faces.Columns(4, 1), classes: null, valid: null, results, best.Reshape(best.Shape[0]), yClasses: null, count);
        Kernels.Copy(stream, best, results.Columns(4, 1));
    }

    // In place: the network's rows become corners and points in pixels of the image.
    private void RecordPoints(DeviceStream stream, DeviceTensor rows, float scaleX, float scaleY, int placeX, int placeY)
    {
        Kernels.Binary(stream, BinaryOp.Add, rows, _model.AnchorRows, rows);
        var centre = rows.Columns(0, 2);
        var size = rows.Columns(2, 2);
        using var corner = DeviceTensor.Allocate(stream, DType.Float32, rows.Shape[0], 2);
        Kernels.Affine(stream, 0.5f, 0, size, size);
        Kernels.Binary(stream, BinaryOp.Sub, centre, size, corner);
        Kernels.Binary(stream, BinaryOp.Add, centre, size, size);
        Kernels.Copy(stream, corner, centre);
        // A row is eight points now. Out of the letterbox: (p - place) * scale.
        var points = rows.Reshape(rows.Shape[0] * BlazeFaceNet.Outputs / 2, 2);
        var (x, y) = (points.Columns(0, 1), points.Columns(1, 1));
        Kernels.Affine(stream, scaleX, -placeX * scaleX, x, x);
        Kernels.Affine(stream, scaleY, -placeY * scaleY, y, y);
    }
}
