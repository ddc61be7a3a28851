using System.Globalization;
using System.Runtime.InteropServices;
using Fovea.Data;

namespace Fovea.Training;

/// <summary>Everything a training run needs to go on as if it had never stopped: parameters, buffers, moments of the optimiser,
/// averages, step, random seed, loss scale and place in the data. Saved as one safetensors file; what the next steps compute has the
/// same bits as without the stop.</summary>
public sealed class TrainingState
{
    private readonly DeviceStream _stream;
    private readonly Optimizer _optimizer;
    private readonly List<(string Name, DeviceTensor Tensor)> _buffers = [];

    /// <summary>Describes a run that has not begun.</summary>
    /// <param name="stream">Where the tensors are used.</param>
    /// <param name="optimizer">Holds the parameters and their moments.</param>
    /// <param name="seed">Of dropout masks and data order.</param>
    public TrainingState(DeviceStream stream, Optimizer optimizer, long seed)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(optimizer);
        _stream = stream;
        _optimizer = optimizer;
        Seed = seed;
    }

    /// <summary>Steps done.</summary>
    public long Step => _optimizer.StepCount;

    /// <summary>Of dropout masks and data order.</summary>
    public long Seed { get; private set; }

    /// <summary>The averages, or null.</summary>
    public MovingAverage? Average { get; init; }

    /// <summary>The loss scale, or null.</summary>
    public LossScale? LossScale { get; init; }

    /// <summary>Where the data go on, in the data's own words.</summary>
    public string DataPosition { get; set; } = "";

    /// <summary>Adds a tensor that training changes without a gradient, such as a running mean.</summary>
    public void AddBuffer(string name, DeviceTensor tensor) => _buffers.Add((name, tensor));

    /// <summary>Writes the state. Whenever the process stops, <paramref name="path"/> holds the old or the new state, whole.</summary>
    public void Save(string path)
    {
        var writer = new SafetensorsWriter();
        foreach (var (name, tensor) in Tensors())
            writer.Add(name, TypeOf(tensor), tensor.Shape, () => Bytes(tensor));
        writer.Metadata["format"] = "fovea-training-1";
        writer.Metadata["step"] = Text(Step);
        writer.Metadata["seed"] = Text(Seed);
        writer.Metadata["data"] = DataPosition;
        if (Average is { } average) writer.Metadata["average_updates"] = Text(average.UpdateCount);
        if (LossScale is { } scale)
        {
            writer.Metadata["loss_scale"] = scale.Value.ToString("R", CultureInfo.InvariantCulture);
            writer.Metadata["loss_scale_clean_steps"] = Text(scale.CleanSteps);
        }
        writer.Save(path);
    }

    /// <summary>Replaces the state by a saved one. The model, the optimiser's rule and the averages must be the same.</summary>
    /// <exception cref="SafetensorsException">The file is damaged, or holds other tensors than this state; nothing was
    /// changed.</exception>
    public void Load(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var tensors = Tensors().ToArray();
        foreach (var (name, tensor) in tensors)
        {
            if (!file.Tensors.TryGetValue(name, out var entry)) throw new SafetensorsException(path, $"there is no tensor {name}");
            if (entry.DType != TypeOf(tensor) || !entry.Shape.SequenceEqual(tensor.Shape.ToArray())) throw new SafetensorsException(path, $"{entry} is not {name} {tensor}");
        }
        if (file.Tensors.Count != tensors.Length) throw new SafetensorsException(path, $"it holds {file.Tensors.Count} tensors, this state {tensors.Length}");
        var (step, seed) = (Number(file, "step"), Number(file, "seed"));
        var updates = Average is null ? 0 : Number(file, "average_updates");
        var clean = LossScale is null ? 0 : Number(file, "loss_scale_clean_steps");
        var scale = LossScale is null ? 1 : float.TryParse(file.Metadata.GetValueOrDefault("loss_scale"), CultureInfo.InvariantCulture, out var value) && value > 0
            ? value : throw new SafetensorsException(path, "it has no loss scale");

        foreach (var (name, tensor) in tensors)
        {
            var bytes = new byte[file.Tensors[name].Length];
            file.Read(name, bytes);
            tensor.CopyFrom<float>(_stream, MemoryMarshal.Cast<byte, float>(bytes));
        }
        _optimizer.Resume(step);
        Seed = seed;
        DataPosition = file.Metadata.GetValueOrDefault("data", "");
        Average?.Resume(updates);
        LossScale?.Resume(scale, (int)clean);
    }

    private IEnumerable<(string Name, DeviceTensor Tensor)> Tensors()
    {
        foreach (var parameter in _optimizer.Parameters) yield return (parameter.Name, parameter.Value);
        foreach (var (name, tensor) in _optimizer.State()) yield return ("optimizer." + name, tensor);
        foreach (var (name, tensor) in _buffers) yield return ("buffer." + name, tensor);
        if (Average is null) yield break;
        foreach (var (name, tensor) in Average.Averages) yield return ("average." + name, tensor);
    }

    private byte[] Bytes(DeviceTensor tensor) => MemoryMarshal.AsBytes<float>(tensor.ToArray<float>(_stream)).ToArray();

    private static SafetensorsDType TypeOf(DeviceTensor tensor) => tensor.DType == DType.Float32
        ? SafetensorsDType.F32
        : throw new NotSupportedException($"a state holds f32 tensors, this is {tensor}");

    private static long Number(SafetensorsFile file, string key) =>
        long.TryParse(file.Metadata.GetValueOrDefault(key), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value >= 0
            ? value
            : throw new SafetensorsException(file.Path, $"its metadata have no number {key}");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
