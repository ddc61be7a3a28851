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

    /// <summary>Puts the head over <paramref name="pyramid"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="pyramid">Levels of equal channels.</param>
    /// <param name="classes">Logits per cell.</param>
    /// <param name="towerConvs">Convolutions of each tower.</param>
    /// <param name="groups">Groups of their normalisation.</param>
    public FcosNet(Initializer init, string name, Backbone pyramid, int classes, int towerConvs = 4, int groups = 32) : base(name)
    {
        ArgumentNullException.ThrowIfNull(pyramid);
        _pyramid = Add(pyramid);
        ClassCount = classes;
        var channels = pyramid.LevelChannels[0];
        var style = new ConvStyle { Normalization = Normalization.Group, Groups = groups };
        var head = name.Length == 0 ? "head" : $"{name}.head";
        _classTower = Add(new HeadTower(init, $"{head}.classification_head.conv", channels, towerConvs, style));
        _boxTower = Add(new HeadTower(init, $"{head}.regression_head.conv", channels, towerConvs, style));
        _classes = Add(new PredictionConv(init, $"{head}.classification_head.cls_logits", channels, classes, bias: PredictionConv.PriorBias(0.01)));
        _boxes = Add(new PredictionConv(init, $"{head}.regression_head.bbox_reg", channels, 4));
        _centerness = Add(new PredictionConv(init, $"{head}.regression_head.bbox_ctrness", channels, 1));
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
            LevelMaps.Join([.. boxFeatures.Select(f => _boxes.Forward(f).Activate(Activation.Relu))], 4),
            LevelMaps.Join([.. boxFeatures.Select(_centerness.Forward)], 1));
    }

    /// <summary>The class logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Classes;
}
