using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of Faster R-CNN (Ren, He, Girshick, Sun, 2015) over a feature pyramid (Lin et al., 2017) in torchvision's form: one
/// proposal head for all levels, and two dense layers over the pooled features of a region.</summary>
public sealed class FasterRcnnNet : Module
{
    private readonly Backbone _pyramid;
    private readonly HeadTower _tower;
    private readonly PredictionConv _objectness, _anchorDeltas;
    private readonly Dense _first, _second, _classes, _deltas;

    /// <summary>Puts the heads over <paramref name="pyramid"/>, which is disposed with them.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="pyramid">Levels of equal channels.</param>
    /// <param name="classes">Classes of objects; one logit more, the last, means the ground.</param>
    /// <param name="regionLevels">Levels, from the finest, that regions take features from; proposals come from all.</param>
    /// <param name="bins">Bins of a region's features, each way.</param>
    /// <param name="hidden">Width of the dense layers.</param>
    /// <param name="anchorsPerCell">Anchors of a cell.</param>
    public FasterRcnnNet(Initializer init, string name, Backbone pyramid, int classes, int regionLevels, int bins = 7, int hidden = 1024,
        int anchorsPerCell = 3) : base(name)
    {
        ArgumentNullException.ThrowIfNull(pyramid);
        ArgumentOutOfRangeException.ThrowIfLessThan(regionLevels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(regionLevels, pyramid.LevelStrides.Count);
        _pyramid = Add(pyramid);
        (ClassCount, RegionLevels, Bins, AnchorsPerCell) = (classes, regionLevels, bins, anchorsPerCell);
        var channels = pyramid.LevelChannels[0];
        var prefix = name.Length == 0 ? "" : name + ".";
        _tower = Add(new HeadTower(init, $"{prefix}rpn.head.conv", channels, 1, new ConvStyle { Normalization = Normalization.None }));
        _objectness = Add(new PredictionConv(init, $"{prefix}rpn.head.cls_logits", channels, anchorsPerCell, kernel: 1));
        _anchorDeltas = Add(new PredictionConv(init, $"{prefix}rpn.head.bbox_pred", channels, 4 * anchorsPerCell, kernel: 1));
        _first = Hidden("fc6", bins * bins * channels);
        _second = Hidden("fc7", hidden);
        _classes = Add(new Dense(init, $"{prefix}roi_heads.box_predictor.cls_score", hidden, classes + 1));
        _deltas = Add(new Dense(init, $"{prefix}roi_heads.box_predictor.bbox_pred", hidden, 4 * (classes + 1)));

        // He's deviation, which keeps the variance through the ReLU.
        Dense Hidden(string path, int inFeatures) =>
            Add(new Dense(init, $"{prefix}roi_heads.box_head.{path}", inFeatures, hidden, Activation.Relu, MathF.Sqrt(2f / inFeatures)));
    }

    /// <summary>ResNet-50 with frozen statistics and a pyramid of 256 channels up to P6, as torchvision's fasterrcnn_resnet50_fpn.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="classes">90 for COCO's numbering.</param>
    public static FasterRcnnNet Of50(Initializer init, int classes = 90)
    {
        var body = ResNet.Of50(init, "backbone.body", normalization: Normalization.FrozenBatch);
        var pyramid = new FeaturePyramid(init, "backbone.fpn", body, extra: ExtraLevels.Subsampled);
        return new FasterRcnnNet(init, "", pyramid, classes, regionLevels: 4);
    }

    /// <summary>Classes of objects.</summary>
    public int ClassCount { get; }

    /// <summary>Levels that regions take features from.</summary>
    public int RegionLevels { get; }

    /// <summary>Bins of a region's features, each way.</summary>
    public int Bins { get; }

    /// <summary>Anchors of a cell.</summary>
    public int AnchorsPerCell { get; }

    /// <summary>Strides of the levels.</summary>
    public IReadOnlyList<int> Strides => _pyramid.LevelStrides;

    /// <summary>The feature maps of all levels.</summary>
    public IReadOnlyList<Value> Levels(Value image) => _pyramid.Levels(image);

    /// <summary>Objectness logits [B][N][1] and deltas [B][N][4] of the anchors of all levels.</summary>
    public (Value Objectness, Value Deltas) Proposals(IReadOnlyList<Value> levels)
    {
        Value[] features = [.. levels.Select(_tower.Forward)];
        return (LevelMaps.Join([.. features.Select(_objectness.Forward)], 1), LevelMaps.Join([.. features.Select(_anchorDeltas.Forward)], 4));
    }

    /// <summary>Class logits [R][classes + 1] and deltas [R][4 * (classes + 1)], four per class, of pooled features
    /// [R][bins][bins][channels].</summary>
    public (Value Classes, Value Deltas) Regions(Value features)
    {
        var hidden = _second.Forward(_first.Forward(features.Reshape(features.Shape[0], -1)));
        return (_classes.Forward(hidden), _deltas.Forward(hidden));
    }

    /// <summary>The objectness logits.</summary>
    public override Value Forward(Value x) => Proposals(Levels(x)).Objectness;
}
