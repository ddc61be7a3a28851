using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of FCOS (Tian, Shen, Chen, He, "FCOS: Fully Convolutional One-Stage Object Detection", 2019) in torchvision's form: one
/// head for all levels of a pyramid; towers of convolutions with group normalisation for classes and for boxes; centerness beside the
/// boxes.</summary>
public sealed class FcosNet : Module
{
    private readonly Backbone _pyramid;
    private readonly HeadTower _classTower, _boxTower;
    private readonly PredictionConv _classes, _boxes, _centerness;
    private readonly LevelScale[] _scales = [];

    /// <summary>Puts the head over <paramref name="pyramid"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="pyramid">Levels of equal channels.</param>
    /// <param name="classes">Logits per cell.</param>
    /// <param name="towerConvs">Convolutions of each tower.</param>
    /// <param name="groups">Groups of their normalisation.</param>
    /// <param name="regression">How distances are made.</param>
    public FcosNet(Initializer init, string name, Backbone pyramid, int classes, int towerConvs = 4, int groups = 32,
        FcosRegression regression = FcosRegression.Relu) : base(name)
    {
        ArgumentNullException.ThrowIfNull(pyramid);
        _pyramid = Add(pyramid);
        ClassCount = classes;
        var channels = pyramid.LevelChannels[0];
        var style = new ConvStyle { Normalization = Normalization.Group, Groups = groups, HasBias = true };
        var head = name.Length == 0 ? "head" : $"{name}.head";
        _classTower = Add(new HeadTower(init, $"{head}.classification_head.conv", channels, towerConvs, style));
        _boxTower = Add(new HeadTower(init, $"{head}.regression_head.conv", channels, towerConvs, style));
        _classes = Add(new PredictionConv(init, $"{head}.classification_head.cls_logits", channels, classes, bias: PredictionConv.PriorBias(0.01)));
        // Distances begin at one stride: below 0 the ReLU lets no gradient through, and a side that dies at the start stays dead.
        _boxes = Add(new PredictionConv(init, $"{head}.regression_head.bbox_reg", channels, 4, bias: 1));
        _centerness = Add(new PredictionConv(init, $"{head}.regression_head.bbox_ctrness", channels, 1));
        if (regression == FcosRegression.Exponential) _scales = [.. Strides.Select((_, i) => Add(new LevelScale(init, $"{head}.scales.{i}")))];
    }

    /// <summary>torchvision's fcos_resnet50_fpn: ResNet-50 with constant statistics, levels P3 to P7 of 256 channels.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="classes">Logits per cell; torchvision has 91 for COCO.</param>
    public static FcosNet ResNet50(Initializer init, int classes = 91)
    {
        var body = ResNet.Of50(init, "backbone.body", normalization: Normalization.FrozenBatch, firstLevel: 1);
        return new FcosNet(init, "", new FeaturePyramid(init, "backbone.fpn", body, extra: ExtraLevels.FromPyramid), classes);
    }

    /// <summary>Logits per cell.</summary>
    public int ClassCount { get; }

    /// <summary>Strides of the levels.</summary>
    public IReadOnlyList<int> Strides => _pyramid.LevelStrides;

    /// <summary>Class logits [B][N][classes], distances left top right bottom in strides [B][N][4] (not negative), centerness logits
    /// [B][N][1], for the cells of all levels.</summary>
    public (Value Classes, Value Distances, Value Centerness) Outputs(Value image)
    {
        var levels = _pyramid.Levels(image);
        Value[] boxFeatures = [.. levels.Select(_boxTower.Forward)];
        return (
            LevelMaps.Join([.. levels.Select(l => _classes.Forward(_classTower.Forward(l)))], ClassCount),
            LevelMaps.Join([.. boxFeatures.Select((f, level) => Distances(_boxes.Forward(f), level))], 4),
            LevelMaps.Join([.. boxFeatures.Select(_centerness.Forward)], 1));
    }

    /// <summary>The class logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Classes;

    private Value Distances(Value x, int level) =>
        _scales.Length == 0 ? x.Activate(Activation.Relu) : _scales[level].Forward(x).Unary(UnaryOp.Exp).Affine(1f / Strides[level]);
}
