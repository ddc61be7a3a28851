using System.Numerics;
using Fovea.Models.TinyYolo;

namespace Fovea.Detection;

/// <summary>One caller's tiny YOLO v2 face detector: letterbox, network, boxes, suppression as one captured graph.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class TinyYoloFaceSession : SingleShotSession<BoxDetection>
{
    private readonly TinyYoloFaceModel _model;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public TinyYoloFaceSession(TinyYoloFaceModel model, TinyYoloFaceOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new TinyYoloFaceOptions(), stream) => _model = model;

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        int width = (int)image.Shape[2], height = (int)image.Shape[1];
        // As in face-api.js, the picture lies at the top left, and the rest is black.
        var fit = LetterboxOptions.Fit(width, height, TinyYoloFaceNet.InputSize, TinyYoloFaceNet.InputSize) with
        {
            PlaceX = 0,
            PlaceY = 0,
            Resize = new ResizeOptions { Mode = Options.Resampling },
            Mean = new Vector4(117.001f, 114.697f, 97.404f, 0),
            Scale = new Vector4(1 / 255f),
        };
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, TinyYoloFaceNet.InputSize, TinyYoloFaceNet.InputSize, 3);
        Kernels.Letterbox(stream, fit, image, input);
        using var map = _model.Net.Forward(stream, input);
        var rows = map.Reshape(_model.Origins.Shape[0], TinyYoloFaceNet.Outputs);
        using var faces = DeviceTensor.Allocate(stream, DType.Float32, rows.Shape[0], BoxDetection.Columns);
        RecordBoxes(stream, rows, faces, (float)width / fit.PlaceWidth, (float)height / fit.PlaceHeight);
        Suppress(stream, faces, results, count);
    }

    // centre = (cell + sigmoid(t)) * stride, half size = exp(t) * half the anchor; then corners, in pixels of the image.
    private void RecordBoxes(DeviceStream stream, DeviceTensor rows, DeviceTensor faces, float scaleX, float scaleY)
    {
        var (centre, half) = (rows.Columns(0, 2), rows.Columns(2, 2));
        Kernels.Activate(stream, Activation.Sigmoid, centre, slope: null, centre);
        Kernels.Binary(stream, BinaryOp.Add, centre, _model.Origins, centre);
        Kernels.Affine(stream, TinyYoloFaceModel.Stride, 0, centre, centre);
        Kernels.Unary(stream, UnaryOp.Exp, half, half);
        Kernels.Binary(stream, BinaryOp.Mul, half, _model.HalfSizes, half);
        Kernels.Binary(stream, BinaryOp.Sub, centre, half, faces.Columns(0, 2));
        Kernels.Binary(stream, BinaryOp.Add, centre, half, faces.Columns(2, 2));
        for (int column = 0; column < 4; column++)
        {
            var edge = faces.Columns(column, 1);
            Kernels.Affine(stream, column % 2 == 0 ? scaleX : scaleY, 0, edge, edge);
        }

        Kernels.Activate(stream, Activation.Sigmoid, rows.Columns(4, 1), slope: null, faces.Columns(4, 1));
    }
}
