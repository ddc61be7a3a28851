using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The head of CornerNet and CenterNet: conv1x1(ReLU(conv3x3(x))), with biases and without normalisation.</summary>
public sealed class KeyPointHead : Module
{
    /// <summary>First bias of a heat map, the logit of 0.1: published rounded.</summary>
    public const float HeatBias = -2.19f;

    private readonly ConvNormActivation _hidden;
    private readonly PredictionConv _output;

    /// <summary>Makes the head.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the head.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="hidden">Channels between the convolutions.</param>
    /// <param name="outChannels">Numbers per cell.</param>
    /// <param name="bias">First value of every bias of the result.</param>
    public KeyPointHead(Initializer init, string name, int inChannels, int hidden, int outChannels, float bias = 0) : base(name)
    {
        _hidden = Add(ConvNormActivation.Same(init, $"{name}.0", inChannels, hidden, 3, new ConvStyle { Normalization = Normalization.None }));
        _output = Add(new PredictionConv(init, $"{name}.2", hidden, outChannels, kernel: 1, bias));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => _output.Forward(_hidden.Forward(x));
}
