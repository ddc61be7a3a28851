namespace Fovea.Detection;

/// <summary>One caller's MTCNN face detector. An image smaller than <see cref="MtcnnOptions.MinFace"/> has no faces.</summary>
/// <inheritdoc path="/remarks"/>
public sealed class MtcnnSession : DetectorSession<FaceDetection>
{
    private readonly MtcnnModel _model;
    private readonly MtcnnOptions _options;

    /// <summary>Makes a session; it must be disposed before <paramref name="model"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public MtcnnSession(MtcnnModel model, MtcnnOptions? options = null, DeviceStreamOptions? stream = null)
        : this(model ?? throw new ArgumentNullException(nameof(model)), stream, Valid(options ?? new MtcnnOptions()))
    {
    }

    private MtcnnSession(MtcnnModel model, DeviceStreamOptions? stream, MtcnnOptions options)
        : base(model.Device, stream, options.MaxDetections, options.MaxCachedSizes)
    {
        _model = model;
        _options = options;
    }

    private protected override void Record(DeviceStream stream, DeviceTensor image, DeviceTensor results, DeviceTensor count) =>
        new MtcnnCascade(_model, _options, image).Record(stream, results, count);

    private static MtcnnOptions Valid(MtcnnOptions options)
    {
        options.Validate();
        return options;
    }
}
