using System.Globalization;
using Fovea.Data;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Trains a <see cref="DetectionSystem"/> on labelled images. Everything depends on the options and the images alone: two runs give the
/// same bits, and so does a run that was saved, stopped and resumed.</summary>
public sealed class DetectorTrainer : IDisposable
{
    private const int BatchesAhead = 2; // while one is learnt from

    private readonly DeviceStream _stream;
    private readonly DetectionSystem _system;
    private readonly LabelledImageLoader _loader;
    private readonly LabelledImage[] _next;
    private readonly DetectorTrainingOptions _options;
    private readonly DetectionBatch _batch;
    private readonly Optimizer _optimizer;
    private readonly TapeProgram _program;
    private readonly TrainingState _state;
    private readonly TrainingLoop _loop;
    private readonly DetectionLoss _loss;

    /// <summary>Records the training step. The system and the images are not owned.</summary>
    /// <exception cref="ArgumentException">The images have other classes than the system.</exception>
    public DetectorTrainer(DeviceStream stream, DetectionSystem system, ILabelledImages images, DetectorTrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(images);
        if (images.ClassNames.Count != system.ClassCount)
            throw new ArgumentException($"the images have {images.ClassNames.Count} classes, the detector {system.ClassCount}", nameof(images));
        (_stream, _system, _options) = (stream, system, options ?? new DetectorTrainingOptions());
        var order = new DataOrder(images.Count, _options.Seed);
        _loader = new LabelledImageLoader(at =>
        {
            var index = order.At(at / order.Count, at % order.Count);
            return _options.Augmentation is { } changes ? changes.Apply(images, index, _options.Seed, at) : images.Load(index);
        }, BatchesAhead * _options.BatchSize);
        _next = new LabelledImage[_options.BatchSize];
        _batch = new DetectionBatch(stream, _options.BatchSize, system.ImageSize, _options.Places, system.UsesMasks);
        _optimizer = new Optimizer(stream, new OptimizerOptions { WeightDecay = _options.WeightDecay }, system.Parameters);
        system.Train();
        var tape = new Tape();
        _loss = system.Loss(_batch.Images(tape), _batch.Targets(tape));
        _program = tape.Compile(stream, _loss.Total, null, [.. _loss.Parts.Select(p => p.Loss)]);
        _state = new TrainingState(stream, _optimizer, _options.Seed);
        foreach (var (name, tensor) in system.Buffers) _state.AddBuffer(name, tensor);
        var rise = Math.Max(1, _options.Steps / 20);
        var rate = LearningRate.WarmUp(rise, LearningRate.Cosine(_options.LearningRate, _options.LearningRate / 100, Math.Max(1, _options.Steps - rise)));
        _loop = new TrainingLoop(_program, _optimizer, _state, rate) { MaxGradientNorm = _options.MaxGradientNorm };
    }

    /// <summary>Steps done, those before a resumed run included.</summary>
    public long Step => _state.Step;

    /// <summary>Makes one step.</summary>
    public StepStatistics Train()
    {
        _loader.Next(_next);
        _batch.Fill(_next);
        return _loop.Step();
    }

    /// <summary>The parts of the last step's loss by name.</summary>
    public IEnumerable<(string Name, float Loss)> Parts() => _loss.Parts.Select(p => (p.Name, _program.Read(p.Loss).ToArray<float>(_stream)[0]));

    /// <summary>Writes the state. Whenever the process stops, the file holds the old or the new state, whole.</summary>
    public void Save(string path)
    {
        _state.DataPosition = _loader.Position.ToString(CultureInfo.InvariantCulture);
        _state.Save(path);
    }

    /// <summary>Goes on where a saved run stopped.</summary>
    /// <exception cref="SafetensorsException">The file is damaged, or of another system.</exception>
    public void Resume(string path)
    {
        _state.Load(path);
        if (!long.TryParse(_state.DataPosition, CultureInfo.InvariantCulture, out var position) || position < 0)
            throw new SafetensorsException(path, $"'{_state.DataPosition}' is no place in the data");
        _loader.Position = position;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loader.Dispose();
        _program.Dispose();
        _optimizer.Dispose();
        _batch.Dispose();
    }
}
