using Fovea.Data;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Images and labels of a batch on the device, and their places on tapes. One batch is filled again for every step.</summary>
public sealed class DetectionBatch : IDisposable
{
    private readonly DeviceStream _stream;
    private readonly int _size;
    private readonly float[] _pixels, _boxes;
    private readonly int[] _classes;
    private readonly byte[]? _masks;
    private readonly DeviceTensor _imageTensor, _boxTensor, _classTensor;
    private readonly DeviceTensor? _maskTensor;

    /// <summary>Allocates a batch.</summary>
    /// <param name="stream">Where it is used.</param>
    /// <param name="images">B.</param>
    /// <param name="size">S, pixels of a side.</param>
    /// <param name="places">M, objects per image; further ones are dropped.</param>
    /// <param name="masks">Whether masks are carried.</param>
    public DetectionBatch(DeviceStream stream, int images, int size, int places, bool masks = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        (_stream, _size, Count, Places) = (stream, size, images, places);
        _pixels = new float[checked(images * size * size * 3)];
        _boxes = new float[images * places * 4];
        _classes = new int[images * places];
        _imageTensor = DeviceTensor.Allocate(stream, DType.Float32, images, size, size, 3);
        _boxTensor = DeviceTensor.Allocate(stream, DType.Float32, images, places, 4);
        _classTensor = DeviceTensor.Allocate(stream, DType.Int32, images, places);
        if (!masks) return;
        _masks = new byte[checked(images * places * size * size)];
        _maskTensor = DeviceTensor.Allocate(stream, DType.UInt8, images, places, size, size);
    }

    /// <summary>B.</summary>
    public int Count { get; }

    /// <summary>M.</summary>
    public int Places { get; }

    /// <summary>The images on a tape.</summary>
    public Value Images(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        return tape.Input(_imageTensor);
    }

    /// <summary>The labels on a tape.</summary>
    public DetectionTargets Targets(Tape tape)
    {
        ArgumentNullException.ThrowIfNull(tape);
        return new DetectionTargets(tape.Input(_boxTensor), tape.Input(_classTensor), _maskTensor is null ? default : tape.Input(_maskTensor));
    }

    /// <summary>Puts images in; where there are fewer than B, the rest is grey and empty.</summary>
    /// <exception cref="ArgumentException">An image is not S by S pixels, or there are too many.</exception>
    public void Fill(ReadOnlySpan<LabelledImage> images)
    {
        if (images.Length > Count) throw new ArgumentException($"{images.Length} images for a batch of {Count}", nameof(images));
        Array.Clear(_pixels);
        Array.Clear(_boxes);
        Array.Fill(_classes, -1);
        if (_masks is not null) Array.Clear(_masks);
        for (var i = 0; i < images.Length; i++) Fill(i, images[i]);
        _imageTensor.CopyFrom<float>(_stream, _pixels);
        _boxTensor.CopyFrom<float>(_stream, _boxes);
        _classTensor.CopyFrom<int>(_stream, _classes);
        _maskTensor?.CopyFrom<byte>(_stream, _masks);
    }

    private void Fill(int at, LabelledImage labelled)
    {
        var image = labelled.Image;
        if (image.Width != _size || image.Height != _size)
            throw new ArgumentException($"an image of {image.Width}x{image.Height} does not fit a batch of {_size}x{_size}", nameof(labelled));
        var bytes = image.Pixels.Span;
        var pixels = _pixels.AsSpan(at * bytes.Length, bytes.Length);
        for (var i = 0; i < bytes.Length; i++) pixels[i] = bytes[i] / 127.5f - 1;
        for (var m = 0; m < Math.Min(Places, labelled.Objects.Count); m++)
        {
            var (o, row) = (labelled.Objects[m], at * Places + m);
            _classes[row] = o.Class;
            ReadOnlySpan<float> box = [o.X1, o.Y1, o.X2, o.Y2];
            box.CopyTo(_boxes.AsSpan(4 * row));
            if (_masks is not null && o.Mask is { } mask) mask.CopyTo(_masks, row * _size * _size);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _imageTensor.Dispose();
        _boxTensor.Dispose();
        _classTensor.Dispose();
        _maskTensor?.Dispose();
    }
}
