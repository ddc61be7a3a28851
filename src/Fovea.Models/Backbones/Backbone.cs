using Fovea.Training;

namespace Fovea.Models.Backbones;

/// <summary>Turns images [N][H][W][3] into feature maps of several strides, which detectors build on.</summary>
public abstract class Backbone : Module
{
    /// <summary>Names the part.</summary>
    protected Backbone(string name) : base(name)
    {
    }

    /// <summary>Channels of each level.</summary>
    public IReadOnlyList<int> LevelChannels { get; protected init; } = [];

    /// <summary>Image pixels from one cell to the next, of each level.</summary>
    public IReadOnlyList<int> LevelStrides { get; protected init; } = [];

    /// <summary>The feature maps, finest first.</summary>
    public abstract IReadOnlyList<Value> Levels(Value image);

    /// <summary>The coarsest feature map.</summary>
    public override Value Forward(Value x) => Levels(x)[^1];
}
