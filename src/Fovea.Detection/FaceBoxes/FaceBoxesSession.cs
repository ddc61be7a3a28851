using System.Numerics;
using Fovea.Models.FaceBoxes;

namespace Fovea.Detection;

/// <summary>One caller's FaceBoxes detector: padding, network, boxes, suppression as one captured graph. Images of up to 1024 pixels are seen
/// as they are, larger ones are scaled down to that; boxes end at the image's edges.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class FaceBoxesSession : SingleShotSession<BoxDetection>
{
    // Candidates that suppression looks at: a few hundred even at thresholds near 0.
    private const int Candidates = 1024;

    // 1/255 in the 16-bit floats of the published model.
    private const float Unit = 0.0039215087890625f;

    // What the regressed positions and sizes are divided by; 0.1 and 0.2 in the same.
    private const float PositionScale = 1 / 0.0999755859375f, SizeScale = 1 / 0.199951171875f;

    private readonly FaceBoxesModel _model;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public FaceBoxesSession(FaceBoxesModel model, FaceBoxesOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new FaceBoxesOptions(), stream) => _model = model;

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        int width = (int)image.Shape[2], height = (int)image.Shape[1];
        int side = Math.Min(FaceBoxesModel.LongestSide, Math.Max(width, height));
        // At the top left; the rest of the input, up to whole cells of the coarsest map, is black.
        var fit = LetterboxOptions.Fit(width, height, side, side) with
        {
            PlaceX = 0,
            PlaceY = 0,
            Resize = new ResizeOptions { Mode = Options.Resampling },
            Mean = new Vector4(0.5f / Unit),
            Scale = new Vector4(2 * Unit),
        };
        int inputWidth = RoundUp(fit.PlaceWidth), inputHeight = RoundUp(fit.PlaceHeight);
        int anchorCount = FaceBoxesNet.AnchorCount(inputHeight, inputWidth);
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, inputHeight, inputWidth, 3);
        Kernels.Letterbox(stream, fit, image, input);
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, anchorCount, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, anchorCount, 2);
        _model.Net.Forward(stream, input, boxes, scores);

        using var anchors = DeviceTensor.Allocate(stream, DType.Float32, anchorCount, 4);
        RecordAnchors(stream, anchors, inputWidth, inputHeight);
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Softmax,
            Background = 0,
            Boxes = BoxMode.Deltas,
            DeltaWeights = (PositionScale, PositionScale, SizeScale, SizeScale),
            ScoreThreshold = Options.Threshold,
            TopK = Candidates,
            ClipWidth = fit.PlaceWidth,
            ClipHeight = fit.PlaceHeight,
        };
        var nms = new NmsOptions { IouThreshold = Options.IouThreshold };
        using var found = DeviceTensor.Allocate(stream, DType.Float32, results.Shape[0], BoxDetection.Columns + 1);
        Kernels.DetectBoxes(stream, decode, nms, scores, objectness: null, boxes, anchors, found, count);
        // The class, which is always that of a face, is left out.
        Kernels.Copy(stream, found.Columns(0, BoxDetection.Columns), results);
        LeaveLetterbox(stream, results, fit, width, height);
    }

    private static int RoundUp(int size) => (size + FaceBoxesNet.Granule - 1) / FaceBoxesNet.Granule * FaceBoxesNet.Granule;

    // Anchors end at the input's edges, as they did in training.
    private void RecordAnchors(DeviceStream stream, DeviceTensor anchors, int width, int height)
    {
        long first = 0;
        for (int level = 0; level < FaceBoxesNet.LevelCount; level++)
        {
            int stride = FaceBoxesNet.Stride(level), perCell = FaceBoxesNet.PerCell(level);
            int rows = height / stride, columns = width / stride;
            Kernels.Copy(
                stream, _model.AnchorMaps[level].Rows(0, rows).Columns(0, columns * perCell * 4),
                anchors.Rows(first, rows * columns * perCell).Reshape(rows, columns * perCell * 4));
            first += rows * columns * perCell;
        }

        for (int column = 0; column < 4; column++)
        {
            var edge = anchors.Columns(column, 1);
            Kernels.Activate(stream, Activation.Clamp(0, column % 2 == 0 ? width : height), edge, slope: null, edge);
        }
    }
}
