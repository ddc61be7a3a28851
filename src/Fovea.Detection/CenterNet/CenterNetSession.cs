using Fovea.Models.CenterNet;

namespace Fovea.Detection;

/// <summary>One caller's CenterNet: resize, network, peaks, boxes and suppression within each class as one captured graph.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class CenterNetSession : SingleShotSession<ObjectDetection>
{
    // Best peaks looked at, as in the original.
    private const int Capacity = 100;

    private const int Columns = 6;

    private readonly CenterNetModel _model;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public CenterNetSession(CenterNetModel model, CenterNetOptions? options = null, DeviceStreamOptions? stream = null)
        : base((model ?? throw new ArgumentNullException(nameof(model))).Device, options ?? new CenterNetOptions(), stream) => _model = model;

    /// <summary>How the network's outputs become boxes in pixels of its input.</summary>
    internal static PeakOptions Peaks(float threshold) => new()
    {
        Scores = ScoreMode.Plain,
        Sizes = PeakSize.Distances,
        SizeScale = 1,
        Stride = CenterNetNet.InputSize / CenterNetNet.Cells,
        TopK = Capacity,
        ScoreThreshold = threshold,
    };

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        const int size = CenterNetNet.InputSize, cells = CenterNetNet.Cells;
        // Proportions are not kept: the network was trained on images stretched to a square.
        var stretch = new LetterboxOptions
        {
            PlaceWidth = size,
            PlaceHeight = size,
            Resize = new ResizeOptions { Mode = Options.Resampling },
        };
        using var input = DeviceTensor.Allocate(stream, DType.Float32, 1, size, size, 3);
        Kernels.Letterbox(stream, stretch, image, input);
        using var heat = DeviceTensor.Allocate(stream, DType.Float32, 1, cells, cells, CenterNetModel.ClassNames.Length);
        using var edges = DeviceTensor.Allocate(stream, DType.Float32, 1, cells, cells, 4);
        _model.Net.Forward(stream, input, heat, edges);

        using var rows = DeviceTensor.Allocate(stream, DType.Float32, Capacity, Columns);
        using var found = DeviceTensor.Allocate(stream, DType.Int32, 1);
        found.Fill(stream, 0);
        Kernels.PeakBoxes(
            stream, Peaks(Options.Threshold), heat.Reshape(cells, cells, heat.Shape[3]), edges.Reshape(cells, cells, 4), _model.Corners, rows,
            found);
        LeaveLetterbox(stream, rows, stretch, (int)image.Shape[2], (int)image.Shape[1]);
        using var classes = DeviceTensor.Allocate(stream, DType.Int32, Capacity, 1);
        Kernels.Copy(stream, rows.Columns(Columns - 1, 1), classes);
        Suppress(stream, rows, results, count, classes.Reshape(Capacity), found);
    }
}
