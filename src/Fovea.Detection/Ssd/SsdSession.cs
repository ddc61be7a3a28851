using System.Numerics;
using Fovea.Models.Ssd;

namespace Fovea.Detection;

/// <summary>One caller's SSD: resize, network, boxes and suppression within each class as one captured graph.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class SsdSession : SingleShotSession<ObjectDetection>
{
    // Candidates that suppression looks at; above the default threshold there are a few dozen.
    private const int Candidates = 1024;

    private readonly SsdModel _model;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public SsdSession(SsdModel model, SsdOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new SsdOptions(), stream) => _model = model;

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        const int size = SsdMobileNetV2.InputSize;
        // Proportions are not kept: the network was trained on images stretched to a square.
        var stretch = new LetterboxOptions
        {
            PlaceWidth = size,
            PlaceHeight = size,
            Resize = new ResizeOptions { Mode = Options.Resampling },
            Mean = new Vector4(127.5f),
            Scale = new Vector4(1 / 127.5f),
        };
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, size, size, 3);
        Kernels.Letterbox(stream, stretch, image, input);
        using var boxes = DeviceTensor.Allocate(stream, DType.Float32, SsdMobileNetV2.Anchors, 4);
        using var scores = DeviceTensor.Allocate(stream, DType.Float32, SsdMobileNetV2.Anchors, SsdMobileNetV2.Scores);
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
            stream, decode, nms, scores.Columns(1, SsdMobileNetV2.Scores - 1), objectness: null, boxes, _model.Anchors, results, count);
        // Overlaps do not depend on the units of the axes, so only the results are taken back.
        LeaveLetterbox(stream, results, stretch, (int)image.Shape[2], (int)image.Shape[1]);
    }
}
