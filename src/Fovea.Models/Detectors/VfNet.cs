using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The network of VarifocalNet (Zhang, Wang, Dayoub, Sünderhauf, "VarifocalNet: An IoU-aware Dense Object Detector", 2021) in
/// mmdetection's form: every cell predicts a box; star-shaped deformable convolutions look at it again, and from there the box is refined and
/// its class predicted.</summary>
public sealed class VfNet : Module
{
    private readonly Backbone _pyramid;
    private readonly float _initialSize;
    private readonly HeadTower _classTower, _boxTower;
    private readonly ConvNormActivation _boxConv;
    private readonly PredictionConv _boxes, _refinement, _classes;
    private readonly StarOffsets _star;
    private readonly StarConv _classStar, _refinementStar;
    private readonly LevelScale[] _scales, _refinementScales;

    /// <summary>Puts the head over <paramref name="pyramid"/>, which is disposed with it.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the network.</param>
    /// <param name="pyramid">Levels of equal channels.</param>
    /// <param name="classes">Logits per cell.</param>
    /// <param name="towerConvs">Convolutions of each tower.</param>
    /// <param name="groups">Groups of their normalisation.</param>
    /// <param name="initialSize">Distances, in strides, that stand for 0. 8: mmdetection's "reg_denom", the end of FCOS's range of each level;
    /// 1: its "stride".</param>
    public VfNet(Initializer init, string name, Backbone pyramid, int classes, int towerConvs = 3, int groups = 32, float initialSize = 8) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        ArgumentNullException.ThrowIfNull(pyramid);
        _pyramid = Add(pyramid);
        (ClassCount, _initialSize) = (classes, initialSize);
        var channels = pyramid.LevelChannels[0];
        var style = new ConvStyle { Normalization = Normalization.Group, Groups = groups };
        var head = name.Length == 0 ? "bbox_head" : $"{name}.bbox_head";
        _classTower = Add(new HeadTower(init, $"{head}.cls_convs", channels, towerConvs, style));
        _boxTower = Add(new HeadTower(init, $"{head}.reg_convs", channels, towerConvs, style));
        _boxConv = Add(ConvNormActivation.Same(init, $"{head}.vfnet_reg_conv", channels, channels, 3, style, initialWeights: InitialWeights.SmallNormal));
        _boxes = Add(new PredictionConv(init, $"{head}.vfnet_reg", channels, 4));
        _star = Add(new StarOffsets(init.Stream, $"{head}.star"));
        _refinementStar = Add(new StarConv(init, $"{head}.vfnet_reg_refine_dconv", channels));
        _refinement = Add(new PredictionConv(init, $"{head}.vfnet_reg_refine", channels, 4));
        _classStar = Add(new StarConv(init, $"{head}.vfnet_cls_dconv", channels));
        _classes = Add(new PredictionConv(init, $"{head}.vfnet_cls", channels, classes, bias: PredictionConv.PriorBias(0.01)));
        _scales = [.. Strides.Select((_, i) => Add(new LevelScale(init, $"{head}.scales.{i}")))];
        _refinementScales = [.. Strides.Select((_, i) => Add(new LevelScale(init, $"{head}.scales_refine.{i}")))];
    }

    /// <summary>VarifocalNet on ResNet-50 with constant statistics, levels P3 to P7 of 256 channels.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="classes">Logits per cell.</param>
    public static VfNet ResNet50(Initializer init, int classes = 80)
    {
        var body = ResNet.Of50(init, "backbone", normalization: Normalization.FrozenBatch, firstLevel: 1);
        return new VfNet(init, "", new FeaturePyramid(init, "neck", body, extra: ExtraLevels.FromPyramid), classes);
    }

    /// <summary>Logits per cell.</summary>
    public int ClassCount { get; }

    /// <summary>Strides of the levels.</summary>
    public IReadOnlyList<int> Strides => _pyramid.LevelStrides;

    /// <summary>For the cells of all levels class logits [B][N][classes], and distances left top right bottom in strides [B][N][4], at first
    /// and refined; no gradient flows from the refined ones into the first.</summary>
    public (Value Classes, Value Distances, Value Refined) Outputs(Value image)
    {
        var levels = _pyramid.Levels(image);
        var (classes, distances, refined) = (new Value[levels.Count], new Value[levels.Count], new Value[levels.Count]);
        for (var i = 0; i < levels.Count; i++)
        {
            var boxFeatures = _boxTower.Forward(levels[i]);
            distances[i] = _scales[i].Forward(_boxes.Forward(_boxConv.Forward(boxFeatures))).Unary(UnaryOp.Exp).Affine(_initialSize);
            var star = _star.Forward(distances[i]);
            var factors = _refinementScales[i].Forward(_refinement.Forward(_refinementStar.Around(boxFeatures, star))).Unary(UnaryOp.Exp);
            refined[i] = factors.Multiply(image.Tape.Detach(distances[i]));
            classes[i] = _classes.Forward(_classStar.Around(_classTower.Forward(levels[i]), star));
        }
        return (LevelMaps.Join(classes, ClassCount), LevelMaps.Join(distances, 4), LevelMaps.Join(refined, 4));
    }

    /// <summary>The class logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Classes;
}
