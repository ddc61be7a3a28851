using System.Numerics;
using Fovea.Models.NanoDet;

namespace Fovea.Detection;

/// <summary>One caller's NanoDet: letterbox, network, boxes, suppression within each class as one captured graph. Classes are those of
/// <see cref="Models.CocoClasses"/>.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class NanoDetSession : SingleShotSession<ObjectDetection>
{
    // Candidates that suppression looks at; above the default threshold there are some dozens.
    private const int Candidates = 1024;

    private readonly NanoDetModel _model;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public NanoDetSession(NanoDetModel model, NanoDetOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new NanoDetOptions(), stream) => _model = model;

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        int width = (int)image.Shape[2], height = (int)image.Shape[1];
        // The bars are black: PadValue is 0 before mean and scale.
        var fit = LetterboxOptions.Fit(width, height, NanoDetNet.InputSize, NanoDetNet.InputSize) with
        {
            Resize = new ResizeOptions { Mode = Options.Resampling },
            ReverseChannels = true,
            Mean = new Vector4(103.53f, 116.28f, 123.675f, 0),
            Scale = new Vector4(1 / 57.375f, 1 / 57.12f, 1 / 58.395f, 1),
        };
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, NanoDetNet.InputSize, NanoDetNet.InputSize, 3);
        Kernels.Letterbox(stream, fit, image, input);
        using var rows = DeviceTensor.Allocate(stream, DType.Float32, NanoDetNet.Rows, NanoDetNet.Outputs);
        _model.Net.Forward(stream, input, rows);
        var decode = new DecodeOptions
        {
            Scores = ScoreMode.Sigmoid,
            Boxes = BoxMode.Bins,
            Bins = NanoDetNet.Bins,
            ScoreThreshold = Options.Threshold,
            TopK = Candidates,
        };
        var nms = new NmsOptions { IouThreshold = Options.IouThreshold };
        Kernels.DetectBoxes(
            stream, decode, nms, rows.Columns(0, NanoDetNet.Classes), objectness: null, rows.Columns(NanoDetNet.Classes, 4 * NanoDetNet.Bins),
            _model.Cells, results, count);
        LeaveLetterbox(stream, results, fit, width, height);
    }
}
