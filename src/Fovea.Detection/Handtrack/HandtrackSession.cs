using System.Numerics;
using Fovea.Models.Handtrack;

namespace Fovea.Detection;

/// <summary>One caller's hand detector: resize, network, boxes, suppression within each class as one captured graph.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class HandtrackSession : SingleShotSession<ObjectDetection>
{
    // Candidates that suppression looks at; above the default threshold there are a few dozen.
    private const int Candidates = 1024;

    private readonly HandtrackModel _model;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public HandtrackSession(HandtrackModel model, HandtrackOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new HandtrackOptions(), stream) => _model = model;

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        // Proportions are not kept: the network was trained on images stretched to a square.
        var stretch = new LetterboxOptions
        {
            PlaceWidth = HandtrackNet.InputSize,
            PlaceHeight = HandtrackNet.InputSize,
            Resize = new ResizeOptions { Mode = Options.Resampling },
            Mean = new Vector4(127.5f),
            Scale = new Vector4(1 / 127.5f),
        };
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, HandtrackNet.InputSize, HandtrackNet.InputSize, 3);
        Kernels.Letterbox(stream, stretch, image, input);
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, HandtrackNet.AnchorCount, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, HandtrackNet.AnchorCount, HandtrackNet.Scores);
        _model.Net.Forward(stream, input, boxes, scores);

        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Sigmoid,
            Boxes = BoxMode.Deltas,
            DeltaWeights = (10, 10, 5, 5),
            ScoreThreshold = Options.Threshold,
            TopK = Candidates,
        };
        var nms = new NmsOptions { IouThreshold = Options.IouThreshold };
        // Column 0 means no object.
        Kernels.DetectBoxes(
            stream, decode, nms, scores.Columns(1, HandtrackNet.Scores - 1), objectness: null, boxes, _model.Anchors, results, count);
        LeaveLetterbox(stream, results, stretch, (int)image.Shape[2], (int)image.Shape[1]);
    }
}
