using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of GFL (Li et al., "Generalized Focal Loss: Learning Qualified and Distributed Bounding Boxes for Dense Object
/// Detection", 2020) in mmdetection's form: every cell says for each side of its box how likely each of a few distances is.</summary>
public sealed class GflNet : Module
{
    private readonly Backbone _pyramid;
    private readonly HeadTower _classTower, _boxTower;
    private readonly PredictionConv _classes, _boxes;
    private readonly LevelScale[] _scales;

    /// <summary>Puts the head over <paramref name="pyramid"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="pyramid">Levels of equal channels.</param>
    /// <param name="classes">Logits per cell.</param>
    /// <param name="bins">Distances of 0, 1, ... strides per side; the paper has 17.</param>
    /// <param name="towerConvs">Convolutions of each tower.</param>
    /// <param name="groups">Groups of their normalisation.</param>
    public GflNet(Initializer init, string name, Backbone pyramid, int classes, int bins = 17, int towerConvs = 4, int groups = 32) : base(name)
    {
        ArgumentNullException.ThrowIfNull(pyramid);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 2);
        _pyramid = Add(pyramid);
        (ClassCount, Bins) = (classes, bins);
        var channels = pyramid.LevelChannels[0];
        var style = new ConvStyle { Normalization = Normalization.Group, Groups = groups };
        var head = name.Length == 0 ? "bbox_head" : $"{name}.bbox_head";
        _classTower = Add(new HeadTower(init, $"{head}.cls_convs", channels, towerConvs, style));
        _boxTower = Add(new HeadTower(init, $"{head}.reg_convs", channels, towerConvs, style));
        _classes = Add(new PredictionConv(init, $"{head}.gfl_cls", channels, classes, bias: PredictionConv.PriorBias(0.01)));
        _boxes = Add(new PredictionConv(init, $"{head}.gfl_reg", channels, 4 * bins));
        _scales = [.. Strides.Select((_, i) => Add(new LevelScale(init, $"{head}.scales.{i}")))];
    }

    /// <summary>GFL on ResNet-50 with constant statistics, levels P3 to P7 of 256 channels.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="classes">Logits per cell.</param>
    public static GflNet ResNet50(Initializer init, int classes = 80)
    {
        var body = ResNet.Of50(init, "backbone", normalization: Normalization.FrozenBatch, firstLevel: 1);
        return new GflNet(init, "", new FeaturePyramid(init, "neck", body, extra: ExtraLevels.FromPyramid), classes);
    }

    /// <summary>Logits per cell.</summary>
    public int ClassCount { get; }

    /// <summary>Distances per side.</summary>
    public int Bins { get; }

    /// <summary>Strides of the levels.</summary>
    public IReadOnlyList<int> Strides => _pyramid.LevelStrides;

    /// <summary>For the cells of all levels class logits [B][N][classes] and, of left, top, right and bottom, logits of distances
    /// [B][N][4*bins].</summary>
    public (Value Classes, Value Sides) Outputs(Value image)
    {
        var levels = _pyramid.Levels(image);
        return (
            LevelMaps.Join([.. levels.Select(l => _classes.Forward(_classTower.Forward(l)))], ClassCount),
            LevelMaps.Join([.. levels.Select((l, i) => _scales[i].Forward(_boxes.Forward(_boxTower.Forward(l))))], 4 * Bins));
    }

    /// <summary>The class logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Classes;
}
