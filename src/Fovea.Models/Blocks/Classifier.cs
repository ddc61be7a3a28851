using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Logits [N][classes] of the mean of a feature map [N][H][W][C], through dense layers; what goes into the last one is dropped
/// out in training.</summary>
public sealed class Classifier : Module
{
    private readonly Dense[] _layers;
    private readonly float _dropout;

    /// <summary>Puts layers behind the mean; they are disposed with the classifier.</summary>
    public Classifier(string name, float dropout, params ReadOnlySpan<Dense> layers) : base(name)
    {
        _layers = [.. layers];
        _dropout = dropout;
        foreach (var layer in layers) Add(layer);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var y = x.AdaptivePool2D(PoolMode.Average).Reshape(x.Shape[0], x.Shape[3]);
        foreach (var layer in _layers[..^1]) y = layer.Forward(y);
        return _layers[^1].Forward(IsTraining ? y.Dropout(_dropout) : y);
    }
}
