namespace Fovea.Training;

/// <summary>Exponential moving average of parameters, and of buffers such as running statistics: s = d*s + (1-d)*p after each update.
/// Evaluation uses the averages.</summary>
public sealed class MovingAverage : IDisposable
{
    private readonly DeviceStream _stream;
    private readonly (string Name, DeviceTensor Source, DeviceTensor Average)[] _tensors;
    private readonly Func<long, float> _decay;

    /// <summary>Begins with the tensors' present values.</summary>
    /// <param name="stream">Where updates run.</param>
    /// <param name="tensors">What is averaged, by name.</param>
    /// <param name="decay">Decay of update n, counted from 1; see <see cref="Ramp"/>.</param>
    public MovingAverage(DeviceStream stream, IEnumerable<(string Name, DeviceTensor Tensor)> tensors, Func<long, float> decay)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(decay);
        _stream = stream;
        _decay = decay;
        _tensors = [.. tensors.Select(t => (t.Name, t.Tensor, Copy(t.Tensor)))];
    }

    /// <summary>Updates so far.</summary>
    public long UpdateCount { get; private set; }

    /// <summary>The averages by name.</summary>
    public IEnumerable<(string Name, DeviceTensor Tensor)> Averages => _tensors.Select(t => (t.Name, t.Average));

    /// <summary>decay * (1 - exp(-n / 2000)): little at first, when the weights still move fast (YOLOv5's rule).</summary>
    public static Func<long, float> Ramp(float decay, double rise = 2000) => n => (float)(decay * (1 - Math.Exp(-n / rise)));

    /// <summary>Takes the present values in.</summary>
    public void Update()
    {
        var decay = _decay(++UpdateCount);
        foreach (var (_, source, average) in _tensors)
        {
            using var part = DeviceTensor.Allocate(_stream, source.DType, source.Shape);
            Kernels.Affine(_stream, 1 - decay, 0, source, part);
            Kernels.Affine(_stream, decay, 0, average, average);
            Kernels.Binary(_stream, BinaryOp.Add, average, part, average);
        }
    }

    /// <summary>Exchanges values and averages: once before an evaluation, once after it.</summary>
    public void Swap()
    {
        foreach (var (_, source, average) in _tensors)
        {
            using var kept = Copy(source);
            Kernels.Copy(_stream, average, source);
            Kernels.Copy(_stream, kept, average);
        }
    }

    /// <summary>Sets the number of updates, when training is resumed.</summary>
    internal void Resume(long updates) => UpdateCount = updates;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, average) in _tensors) average.Dispose();
    }

    private DeviceTensor Copy(DeviceTensor source)
    {
        var copy = DeviceTensor.Allocate(_stream, source.DType, source.Shape);
        Kernels.Copy(_stream, source, copy);
        return copy;
    }
}
