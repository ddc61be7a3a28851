using Fovea.Models.Mtcnn;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>The windows of a step and their targets on the device; filled again for every step.</summary>
internal sealed class MtcnnBatch : IDisposable
{
    private const int Points = 2 * FaceLandmarks.Count;

    private readonly DeviceStream _stream;
    private readonly DeviceTensor _crops, _boxes, _images, _isFace, _hasClass, _deltas, _deltaWeights, _points, _pointWeights;

    public MtcnnBatch(DeviceStream stream, int count, int window)
    {
        (_stream, Count) = (stream, count);
        _crops = DeviceTensor.Allocate(stream, DType.Float32, count, window, window, 3);
        _boxes = Floats(4);
        _images = DeviceTensor.Allocate(stream, DType.Int32, count);
        (_isFace, _hasClass, _deltas, _deltaWeights, _points, _pointWeights) = (Floats(1), Floats(1), Floats(4), Floats(1), Floats(Points), Floats(1));

        DeviceTensor Floats(int columns) => DeviceTensor.Allocate(stream, DType.Float32, count, columns);
    }

    public int Count { get; }

    public Value Windows(Tape tape) => tape.Input(_crops);

    public MtcnnTargets Targets(Tape tape) => new(tape.Input(_isFace), tape.Input(_hasClass),
        tape.Input(_deltas), tape.Input(_deltaWeights), tape.Input(_points), tape.Input(_pointWeights));

    /// <summary>Cuts the windows out of images [K][H][W][3] u8, as the cascade does, and writes the targets.</summary>
    public void Fill(DeviceTensor images, ReadOnlySpan<MtcnnSample> samples, ResizeMode resampling)
    {
        if (samples.Length != Count) throw new ArgumentException($"{samples.Length} windows for a batch of {Count}", nameof(samples));
        var (boxes, indices) = (new float[4 * Count], new int[Count]);
        var (isFace, hasClass, deltas, hasDeltas) = (new float[Count], new float[Count], new float[4 * Count], new float[Count]);
        var (points, hasPoints) = (new float[Points * Count], new float[Count]);
        for (var i = 0; i < Count; i++)
        {
            var (sample, w) = (samples[i], samples[i].Window);
            indices[i] = sample.Image;
            (boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]) = (w.X1, w.Y1, w.X2, w.Y2);
            isFace[i] = sample.Kind == MtcnnSampleKind.Face ? 1 : 0;
            hasClass[i] = sample.Kind == MtcnnSampleKind.Part ? 0 : 1;
            hasDeltas[i] = Put(sample.Deltas, deltas, 4 * i);
            hasPoints[i] = Put(sample.Points, points, Points * i);
        }
        _boxes.CopyFrom<float>(_stream, boxes);
        _images.CopyFrom<int>(_stream, indices);
        _isFace.CopyFrom<float>(_stream, isFace);
        _hasClass.CopyFrom<float>(_stream, hasClass);
        _deltas.CopyFrom<float>(_stream, deltas);
        _deltaWeights.CopyFrom<float>(_stream, Shares(hasDeltas));
        _points.CopyFrom<float>(_stream, points);
        _pointWeights.CopyFrom<float>(_stream, Shares(hasPoints));
        Kernels.CropResize(_stream, MtcnnCascade.Crop(resampling), images, _boxes, _images, _crops);
    }

    private static float Put(float[]? values, float[] all, int at)
    {
        values?.CopyTo(all, at);
        return values is null ? 0 : 1;
    }

    private static float[] Shares(float[] marks)
    {
        var count = Math.Max(1, marks.Sum());
        return [.. marks.Select(m => m / count)];
    }

    public void Dispose()
    {
        foreach (var tensor in (DeviceTensor[])[_crops, _boxes, _images, _isFace, _hasClass, _deltas, _deltaWeights, _points, _pointWeights]) tensor.Dispose();
    }
}
