using Fovea.Data;
using Fovea.Models.Backbones;
using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Cli.Experiments.SppLength;

/// <summary>A small convolutional network and a linear layer. Between them either a spatial pyramid, which any size passes, or the map as it
/// is, which ties the linear layer to one size.</summary>
internal sealed class CropClassifier : Module
{
    private const int Channels = 48, Stride = 8;

    private readonly CompactResNet _backbone;
    private readonly SpatialBins? _bins;
    private readonly Dense _logits;

    /// <summary>Makes a network.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="classes">Logits.</param>
    /// <param name="flatSize">Pixels of a side that a flattened map is for; null: a spatial pyramid of 1, 2 and 4 bins a side.</param>
    internal CropClassifier(Initializer init, int classes, int? flatSize) : base("")
    {
        _backbone = Add(new CompactResNet(init, "backbone", [24, Channels]));
        _bins = flatSize is null ? Add(new SpatialBins("bins", 1, 2, 4)) : null;
        FeatureLength = Channels * (flatSize is { } size ? (size / Stride) * (size / Stride) : 1 + 4 + 16);
        _logits = Add(new Dense(init, "logits", FeatureLength, classes));
    }

    /// <summary>What the linear layer was made for.</summary>
    internal int FeatureLength { get; }

    /// <summary>Features [B][length] and logits [B][classes] of images [B][S][S][3].</summary>
    internal (Value Features, Value Logits) Outputs(Value images)
    {
        var map = _backbone.Levels(images)[^1];
        var features = _bins?.Forward(map) ?? map.Reshape(map.Shape[0], -1);
        return (features, _logits.Forward(features));
    }

    /// <summary>The logits.</summary>
    public override Value Forward(Value x) => Outputs(x).Logits;
}
