using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The decoupled head of a level: two convolutions for the classes and two for box and objectness.</summary>
internal sealed class YoloxHead : Module
{
    private readonly Module _stem, _classTower, _boxTower;
    private readonly PredictionConv _classes, _boxes, _objectness;

    public YoloxHead(YoloxParts parts, string name, int level, int inChannels, int channels, int classes) : base(name)
    {
        var prior = PredictionConv.PriorBias(0.01);
        _stem = Add(parts.Plain($"{name}.stems.{level}", inChannels, channels));
        _classTower = Add(Tower("cls_convs"));
        _classes = Add(new PredictionConv(parts.Init, $"{name}.cls_preds.{level}", channels, classes, kernel: 1, bias: prior));
        _boxTower = Add(Tower("reg_convs"));
        _boxes = Add(new PredictionConv(parts.Init, $"{name}.reg_preds.{level}", channels, 4, kernel: 1));
        _objectness = Add(new PredictionConv(parts.Init, $"{name}.obj_preds.{level}", channels, 1, kernel: 1, bias: prior));

        YoloxParts.Sequence Tower(string which) => new($"{name}.{which}.{level}",
            parts.Wide($"{name}.{which}.{level}.0", channels, channels), parts.Wide($"{name}.{which}.{level}.1", channels, channels));
    }

    public (Value Classes, Value Objectness, Value Boxes) Outputs(Value x)
    {
        var stem = _stem.Forward(x);
        var boxFeatures = _boxTower.Forward(stem);
        return (_classes.Forward(_classTower.Forward(stem)), _objectness.Forward(boxFeatures), _boxes.Forward(boxFeatures));
    }

    public override Value Forward(Value x) => Outputs(x).Classes;
}
