using System.Numerics;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>One caller's <see cref="TrainedDetector"/>: letterbox to the size it was trained at, network, decoding as one captured graph. Where
/// a system computes a part of its detection on the host, each call runs the same steps one by one.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class TrainedDetectorSession : SingleShotSession<ObjectDetection>
{
    private readonly DeviceTensor _input;
    private readonly TapeProgram _program;
    private readonly Value _rows;

    /// <summary>Records detection with the detector's present weights. It must be disposed before <paramref name="detector"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public TrainedDetectorSession(TrainedDetector detector, TrainedDetectorOptions? options = null, DeviceStreamOptions? stream = null)
        : base((detector ?? throw new ArgumentNullException(nameof(detector))).Device, options ?? new TrainedDetectorOptions(), stream)
    {
        var size = detector.System.ImageSize;
        _input = DeviceTensor.Allocate(Stream, DType.Float32, 1, size, size, 3);
        var tape = new Tape();
        _rows = detector.System.Detect(tape.Input(_input));
        _program = TapeProgram.FusedInference(Stream, _rows);
    }

    private protected override bool IsCapturable => _program.IsCapturable;

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count)
    {
        var (height, width) = ((int)image.Shape[1], (int)image.Shape[2]);
        // The margin is the grey that is 0 behind the normalisation.
        var fit = LetterboxOptions.Fit(width, height, (int)_input.Shape[2], (int)_input.Shape[1]) with
        {
            Resize = new ResizeOptions { Mode = Options.Resampling },
            PadValue = 127.5f,
            Mean = new Vector4(127.5f),
            Scale = new Vector4(1 / 127.5f),
        };
        Kernels.Letterbox(stream, fit, image, _input);
        _program.Run();
        var found = _program.Read(_rows);
        var rows = found.Reshape(found.Shape[1], found.Shape[2]);
        using var classes = DeviceTensor.Allocate(stream, DType.Int32, rows.Shape[0], 1);
        Kernels.Copy(stream, rows.Columns(5, 1), classes);
        results.Fill(stream, 0);
        Suppress(stream, rows, results, count, classes.Reshape(-1L));
        LeaveLetterbox(stream, results, fit, width, height);
    }

    private protected override void FreeModel()
    {
        _program.Dispose();
        _input.Dispose();
    }
}
