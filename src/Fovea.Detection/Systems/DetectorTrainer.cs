using System.Globalization;
using Fovea.Data;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Trains a <see cref="DetectionSystem"/> on labelled images. Everything depends on the options and the images alone: two runs give the
/// same bits, and so does a run that was saved, stopped and resumed, or one that computes activations again to save memory.</summary>
public sealed class DetectorTrainer : IDisposable
{
    private const int BatchesAhead = 2; // while one is learnt from

    private readonly DeviceStream _stream;
    private readonly DetectionSystem _system;
    private readonly ILabelledImages _images;
    private readonly LabelledImageLoader _loader;
    private readonly LabelledImage[] _next;
    private readonly DetectorTrainingOptions _options;
    private readonly DetectionBatch _batch;
    private readonly Optimizer _optimizer;
    private readonly MovingAverage? _average;
    private readonly TapeProgram _program;
    private readonly TrainingState _state;
    private readonly TrainingLoop _loop;
    private readonly DetectionLoss _loss;
    private readonly float[] _parts;

    /// <summary>Records the training step, and plans it where it has a budget. The system and the images are not owned.</summary>
    /// <exception cref="ArgumentException">The images have other classes than the system, or no order of the step fits the budget.</exception>
    public DetectorTrainer(DeviceStream stream, DetectionSystem system, ILabelledImages images, DetectorTrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(images);
        if (images.ClassNames.Count != system.ClassCount)
            throw new ArgumentException($"the images have {images.ClassNames.Count} classes, the detector {system.ClassCount}", nameof(images));
        (_stream, _system, _images, _options) = (stream, system, images, options ?? new DetectorTrainingOptions());
        _options.Validate();
        var order = new DataOrder(images.Count, _options.Seed);
        _loader = new LabelledImageLoader(at =>
        {
            var index = order.At(at / order.Count, at % order.Count);
            return _options.Augmentation is { } changes ? changes.Apply(images, index, _options.Seed, at) : images.Load(index);
        }, BatchesAhead * _options.BatchSize);
        _batch = new DetectionBatch(stream, _options.BatchSize / _options.MicroBatches, system.ImageSize, _options.Places, system.UsesMasks);
        _next = new LabelledImage[_batch.Count];
        _optimizer = new Optimizer(stream, new OptimizerOptions { WeightDecay = _options.WeightDecay }, system.Parameters);
        if (_options.AverageDecay > 0)
        {
            var decay = MovingAverage.Ramp(_options.AverageDecay, Math.Max(1, _options.Steps / 10));
            _average = new MovingAverage(stream, [.. system.Parameters.Select(p => (p.Name, p.Value)), .. system.Buffers], decay);
        }
        system.Train();
        var tape = new Tape();
        _loss = system.Loss(_batch.Images(tape), _batch.Targets(tape));
        _parts = new float[_loss.Parts.Count];
        _program = tape.Compile(stream, _loss.Total, Plan(tape), PartValues);
        _state = new TrainingState(stream, _optimizer, _options.Seed) { Average = _average };
        foreach (var (name, tensor) in system.Buffers) _state.AddBuffer(name, tensor);
        var rise = Math.Max(1, _options.Steps / 20);
        var rate = LearningRate.WarmUp(rise, LearningRate.Cosine(_options.LearningRate, _options.LearningRate / 100, Math.Max(1, _options.Steps - rise)));
        _loop = new TrainingLoop(_program, _optimizer, _state, rate) { MaxGradientNorm = _options.MaxGradientNorm, MicroBatches = _options.MicroBatches };
    }

    /// <summary>Steps done, those before a resumed run included.</summary>
    public long Step => _state.Step;

    /// <summary>What was expected of a planned step, in bytes and milliseconds; null without a budget.</summary>
    public StepForecast? Forecast { get; private set; }

    /// <summary>Operations that a run computes again.</summary>
    public int RecomputedSteps => _program.RecomputedSteps;

    /// <summary>Names of the parts of the loss.</summary>
    public IEnumerable<string> PartNames => _loss.Parts.Select(p => p.Name);

    /// <summary>The parts of the last step's loss, in the order of their names.</summary>
    public ReadOnlySpan<float> Parts => _parts;

    /// <summary>Makes one step.</summary>
    public StepStatistics Train()
    {
        Array.Clear(_parts);
        var step = _loop.Step(run =>
        {
            if (run > 0) AddParts();
            Fill();
        });
        AddParts();
        return step;
    }

    /// <summary>Puts the averaged weights in the place of the present ones until the result is disposed; without averages, nothing
    /// happens.</summary>
    public IDisposable UseAverages() => new Averages(_average);

    /// <summary>Writes the state. Whenever the process stops, the file holds the old or the new state, whole.</summary>
    public void Save(string path)
    {
        _state.DataPosition = string.Create(CultureInfo.InvariantCulture, $"{_loader.Position} {_images.Count} {_system.ImageSize}");
        _state.Save(path);
    }

    /// <summary>Goes on where a saved run stopped.</summary>
    /// <exception cref="SafetensorsException">The file is damaged, or of a run with another system, seed, number or size of images.</exception>
    public void Resume(string path)
    {
        _state.Load(path);
        if (_state.Seed != _options.Seed) throw new SafetensorsException(path, $"the run has the seed {_state.Seed}, not {_options.Seed}");
        if (_state.DataPosition.Split(' ') is not [var text, var count, var size] || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
            throw new SafetensorsException(path, $"'{_state.DataPosition}' is no place in the data");
        if (count != _images.Count.ToString(CultureInfo.InvariantCulture) || size != _system.ImageSize.ToString(CultureInfo.InvariantCulture))
            throw new SafetensorsException(path, $"the run has {count} images of {size} pixels, not {_images.Count} of {_system.ImageSize}");
        _loader.Position = position;
    }

    private Value[] PartValues => [.. _loss.Parts.Select(p => p.Loss)];

    // The first images of the order stand for all: what a step needs depends on shapes alone.
    private IReadOnlyList<TapeStep>? Plan(Tape tape)
    {
        if (_options.ActivationBytes is not { } bytes) return null;
        Fill();
        _loader.Position = 0;
        var (order, forecast) = TapeOrder.WithinBudget(_stream, tape, _loss.Total, bytes, PartValues);
        Forecast = forecast;
        return order;
    }

    // The next images go into the batch.
    private void Fill()
    {
        _loader.Next(_next);
        _batch.Fill(_next);
    }

    private void AddParts()
    {
        for (var i = 0; i < _parts.Length; i++)
            _parts[i] += _program.Read(_loss.Parts[i].Loss).ToArray<float>(_stream)[0] / _options.MicroBatches;
    }

    /// <summary>Gives back everything, the memory of the system's parameters included, which lies with the optimiser: evaluate and save
    /// before.</summary>
    public void Dispose()
    {
        _loader.Dispose();
        _program.Dispose();
        _average?.Dispose();
        _optimizer.Dispose();
        _batch.Dispose();
    }

    private sealed class Averages : IDisposable
    {
        private MovingAverage? _average;

        public Averages(MovingAverage? average)
        {
            _average = average;
            average?.Swap();
        }

        public void Dispose()
        {
            _average?.Swap();
            _average = null;
        }
    }
}
