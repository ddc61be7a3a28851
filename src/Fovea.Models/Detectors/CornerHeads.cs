using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Pooling and heads of one kind of corner.</summary>
internal sealed class CornerHeads : Module
{
    private readonly CornerPooling _pooling;
    private readonly KeyPointHead _heat, _tag, _offset;

    // `corner` is "tl" or "br", `stack` a number: names as in the authors' code.
    public CornerHeads(Initializer init, string prefix, string corner, int stack, int channels, int hidden, int classes, ConvStyle style)
        : base($"{prefix}{corner}.{stack}")
    {
        var isTopLeft = corner == "tl";
        _pooling = Add(new CornerPooling(init, $"{prefix}{corner}_cnvs.{stack}", channels,
            isTopLeft ? Corner.Top : Corner.Bottom, isTopLeft ? Corner.Left : Corner.Right, style));
        _heat = Add(new KeyPointHead(init, $"{prefix}{corner}_heats.{stack}", channels, hidden, classes, KeyPointHead.HeatBias));
        _tag = Add(new KeyPointHead(init, $"{prefix}{corner}_tags.{stack}", channels, hidden, 1));
        _offset = Add(new KeyPointHead(init, $"{prefix}{corner}_regrs.{stack}", channels, hidden, 2));
    }

    public CornerMaps Maps(Value x)
    {
        var corner = _pooling.Forward(x);
        return new CornerMaps(_heat.Forward(corner), _tag.Forward(corner), _offset.Forward(corner));
    }

    public override Value Forward(Value x) => Maps(x).Heat;
}
