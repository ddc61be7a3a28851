using Fovea.Data;
using Fovea.Models.Mtcnn;
using Fovea.Training;

namespace Fovea.Detection.Systems;

/// <summary>Trains the three networks of MTCNN (Zhang et al., 2016), one after another: P-Net on random windows, R-Net on what P-Net lets through,
/// O-Net on what R-Net lets through, so that each learns the mistakes of those before it. Everything depends on the images and the options alone:
/// two runs give the same bits.</summary>
public sealed class MtcnnTrainer : IDisposable
{
    // Windows per image: P-Net's background, what is added to the mined background, windows around each face.
    private const int Background = 40, MoreBackground = 4, AroundFace = 20;

    private readonly DeviceStream _stream;
    private readonly MtcnnNets _nets;
    private readonly MtcnnTrainingOptions _options;
    private readonly DeviceTensor _images; // [K][H][W][3] u8
    private readonly IReadOnlyList<LabelledObject>[] _faces;
    private readonly List<Optimizer> _optimizers = []; // they hold the parameters

    /// <summary>Loads the images, which stay in memory.</summary>
    /// <param name="stream">Where training runs; the stream of <paramref name="nets"/>.</param>
    /// <param name="nets">Not owned, but their parameters live in the trainer's memory from their first step on: save them, or make a
    /// <see cref="MtcnnModel"/> of them, before it is disposed.</param>
    /// <param name="images">Of equal size. <see cref="LabelledObject.Points"/> of a face are its landmarks where they are five.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">There are no images, or their sizes differ.</exception>
    public MtcnnTrainer(DeviceStream stream, MtcnnNets nets, ILabelledImages images, MtcnnTrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(nets);
        ArgumentNullException.ThrowIfNull(images);
        (_stream, _nets, _options) = (stream, nets, options ?? new MtcnnTrainingOptions());
        _options.Cascade.Validate();
        if (images.Count is < 1 or > int.MaxValue) throw new ArgumentException($"{images.Count} images to learn from", nameof(images));
        _faces = new IReadOnlyList<LabelledObject>[images.Count];
        var first = images.Load(0).Image;
        _images = DeviceTensor.Allocate(stream, DType.UInt8, images.Count, first.Height, first.Width, 3);
        for (var i = 0; i < _faces.Length; i++)
        {
            var (image, objects) = images.Load(i);
            if ((image.Width, image.Height) != (first.Width, first.Height))
            {
                _images.Dispose();
                throw new ArgumentException($"image {i} has {image.Width}x{image.Height} pixels, the first {first.Width}x{first.Height}", nameof(images));
            }
            _images.Rows(i, 1).CopyFrom<byte>(stream, image.Pixels.Span);
            _faces[i] = [.. objects.Where(o => o.Class == _options.FaceClass)];
        }
    }

    private int Width => (int)_images.Shape[2];

    private int Height => (int)_images.Shape[1];

    /// <summary>Trains all three networks.</summary>
    /// <param name="progress">Called after every step.</param>
    public void Train(Action<MtcnnStage, StepStatistics>? progress = null)
    {
        foreach (var stage in (MtcnnStage[])[MtcnnStage.Proposal, MtcnnStage.Refinement, MtcnnStage.Output]) Train(stage, progress);
    }

    /// <summary>Trains one network; those before it should be trained.</summary>
    /// <param name="stage">Which.</param>
    /// <param name="progress">Called after every step.</param>
    /// <exception cref="InvalidOperationException">There is nothing to learn from: no faces in the images.</exception>
    public void Train(MtcnnStage stage, Action<MtcnnStage, StepStatistics>? progress = null)
    {
        var random = new Random(_options.Seed * 3 + (int)stage);
        var samples = Samples(stage, random).ToLookup(s => s.Kind);
        if (!samples[MtcnnSampleKind.Face].Any() || !samples[MtcnnSampleKind.Background].Any())
            throw new InvalidOperationException($"{stage}: the images have no windows of {(samples[MtcnnSampleKind.Face].Any() ? "background" : "faces")}");
        var net = stage switch { MtcnnStage.Proposal => _nets.Proposal, MtcnnStage.Refinement => _nets.Refinement, _ => _nets.Output };
        using var batch = new MtcnnBatch(_stream, _options.BatchSize, net.Window);
        var optimizer = new Optimizer(_stream, new OptimizerOptions { WeightDecay = _options.WeightDecay }, net.Parameters);
        _optimizers.Add(optimizer);
        var tape = new Tape();
        var loss = MtcnnLoss.Record(net.Forward(batch.Windows(tape)), batch.Targets(tape), _options.HardShare);
        using var program = tape.Compile(_stream, loss.Total);
        var steps = _options.Steps(stage);
        var rise = Math.Max(1, steps / 20);
        var rate = LearningRate.WarmUp(rise, LearningRate.Cosine(_options.LearningRate, _options.LearningRate / 100, Math.Max(1, steps - rise)));
        var loop = new TrainingLoop(program, optimizer, new TrainingState(_stream, optimizer, _options.Seed), rate) { MaxGradientNorm = 10 };
        var chosen = new MtcnnSample[batch.Count];
        var kinds = samples.ToDictionary(g => g.Key, g => g.ToArray());
        for (long step = 0; step < steps; step++)
        {
            for (var i = 0; i < chosen.Length; i++) chosen[i] = Draw(random, kinds, i);
            batch.Fill(_images, chosen, _options.Cascade.Resampling);
            var statistics = loop.Step();
            progress?.Invoke(stage, statistics);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var optimizer in _optimizers) optimizer.Dispose();
        _images.Dispose();
    }

    // Place i of a batch: background at even places, faces and parts in turn at odd ones.
    private static MtcnnSample Draw(Random random, Dictionary<MtcnnSampleKind, MtcnnSample[]> kinds, int i)
    {
        var kind = i % 2 == 0 ? MtcnnSampleKind.Background : i % 4 == 1 ? MtcnnSampleKind.Face : MtcnnSampleKind.Part;
        if (!kinds.TryGetValue(kind, out var samples)) samples = kinds[MtcnnSampleKind.Face];
        return samples[random.Next(samples.Length)];
    }

    private List<MtcnnSample> Samples(MtcnnStage stage, Random random)
    {
        using var model = stage == MtcnnStage.Proposal ? null : MtcnnModel.From(_stream.Device, _nets);
        var miner = model is null ? null : new MtcnnMiner(_stream, model, _options.Cascade);
        var samples = new List<MtcnnSample>();
        for (var image = 0; image < _faces.Length; image++)
        {
            var windows = new List<MtcnnWindow>(MtcnnSampler.Anywhere(random, Width, Height, miner is null ? Background : MoreBackground));
            foreach (var face in _faces[image])
            {
                windows.AddRange(MtcnnSampler.Around(random, face, AroundFace));
                // Farther away: background that shows a piece of a face.
                windows.AddRange(MtcnnSampler.Around(random, face, AroundFace / 4, shift: 1));
            }
            if (miner is not null) windows.AddRange(miner.Windows(_images.Rows(image, 1), stage));
            foreach (var window in windows)
                if (MtcnnSample.Of(image, window, _faces[image], stage) is { } sample) samples.Add(sample);
        }
        return samples;
    }
}
