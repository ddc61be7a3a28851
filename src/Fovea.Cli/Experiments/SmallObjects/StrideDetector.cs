using Fovea.Data;
using Fovea.Detection;
using Fovea.Detection.Evaluation;
using Fovea.Detection.Systems;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Models.Detectors;
using Fovea.Training;

namespace Fovea.Cli.Experiments.SmallObjects;

/// <summary>FCOS over one level of stride 16, or over a feature pyramid of strides 4, 8 and 16: the same backbone, head, loss and
/// training.</summary>
internal sealed class StrideDetector : IDisposable
{
    private const int Channels = 48;

    private static readonly FcosOptions Options = new() { ScoreThreshold = 0.05f };

    private readonly DeviceStream _stream;
    private readonly bool _hasPyramid;
    private readonly int _size, _classes;
    private readonly FcosSystem _system;
    private readonly DetectorTrainer _trainer;

    internal StrideDetector(DeviceStream stream, bool hasPyramid, SceneGenerator scenes, int size, DetectorTrainingOptions training)
    {
        (_stream, _hasPyramid, _size, _classes) = (stream, hasPyramid, size, scenes.ClassNames.Count);
        _system = Create(new Initializer(stream, training.Seed), size);
        _trainer = new DetectorTrainer(stream, _system, scenes, training);
    }

    internal long Parameters => _system.Parameters.Sum(p => p.Spec.ElementCount);

    internal void Train(long steps)
    {
        while (_trainer.Step < steps) _trainer.Train();
    }

    /// <summary>Detections in images enlarged by a factor, in pixels of the images themselves.</summary>
    internal BoxDetections Detect(IReadOnlyList<LabelledImage> images, int factor)
    {
        using var enlarged = factor == 1 ? null : Create(Initializer.Undefined(_stream), factor * _size);
        if (enlarged is not null)
            foreach (var (from, to) in _system.Parameters.Zip(enlarged.Parameters)) to.Value.CopyFrom<float>(_stream, from.Value.ToArray<float>(_stream));
        using var evaluation = new DetectorEvaluation(_stream, enlarged ?? _system, batchSize: 4);
        var found = new List<ScoredBox>();
        foreach (var batch in images.Select((image, index) => (Image: Enlarge(image, factor), Index: index)).Chunk(4))
        {
            var rows = evaluation.Detect([.. batch.Select(b => b.Image)]);
            for (var i = 0; i < batch.Length; i++)
                found.AddRange(rows[i].Where(d => d.X2 > d.X1 && d.Y2 > d.Y1).Select(d => new ScoredBox(
                    batch[i].Index, d.Class, BoxXywh.FromCorners(d.X1 / factor, d.Y1 / factor, d.X2 / factor, d.Y2 / factor), d.Score)));
        }
        return new BoxDetections(found);
    }

    public void Dispose()
    {
        _trainer.Dispose();
        _system.Dispose();
    }

    private static LabelledImage Enlarge(LabelledImage image, int factor)
    {
        if (factor == 1) return image;
        var canvas = new LabelledCanvas(factor * image.Image.Width, factor * image.Image.Height);
        canvas.Lay(image, new ImagePlacement(factor, factor, 0, 0));
        return canvas.ToImage();
    }

    private FcosSystem Create(Initializer init, int size)
    {
        var backbone = new CompactResNet(init, "backbone", [24, 48, 64], firstLevel: _hasPyramid ? 0 : 2);
        var net = new FcosNet(init, "", new FeaturePyramid(init, "fpn", backbone, Channels), _classes, towerConvs: 1, groups: 6);
        return new FcosSystem(_stream, net, size, Options);
    }
}
