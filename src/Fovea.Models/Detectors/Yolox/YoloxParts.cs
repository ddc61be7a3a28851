using Fovea.Models.Blocks;
using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>Makes the convolutions of a YOLOX, all with normalisation and SiLU, under the names of the published weights.</summary>
/// <param name="Init">Where and how parameters begin.</param>
/// <param name="IsSeparable">Whether wide convolutions are a depthwise and a 1x1 one, as in the nano model.</param>
/// <param name="Normalization">Batch as published, or group for small batches.</param>
internal sealed record YoloxParts(Initializer Init, bool IsSeparable, Normalization Normalization)
{
    /// <summary>A convolution of any kernel that keeps the size, but for its stride.</summary>
    public ConvNormActivation Plain(string name, int inChannels, int outChannels, int kernel = 1, int stride = 1, int groups = 1)
    {
        var style = new ConvStyle
        {
            Normalization = Normalization,
            Activation = Activation.Silu,
            Epsilon = 1e-3f,
            Momentum = 0.03f,
            Groups = Math.Max(1, outChannels / 8),
        };
        return ConvNormActivation.Same(Init, $"{name}.conv", inChannels, outChannels, kernel, style, stride, groups, $"{name}.bn");
    }

    /// <summary>A 3x3 convolution, separable where the model is.</summary>
    public Module Wide(string name, int inChannels, int outChannels, int stride = 1) => IsSeparable
        ? new Sequence(name, Plain($"{name}.dconv", inChannels, inChannels, 3, stride, groups: inChannels), Plain($"{name}.pconv", inChannels, outChannels))
        : Plain(name, inChannels, outChannels, 3, stride);

    /// <summary>Parts one after another.</summary>
    public sealed class Sequence : Module
    {
        private readonly Module[] _parts;

        public Sequence(string name, params ReadOnlySpan<Module> parts) : base(name)
        {
            _parts = parts.ToArray();
            foreach (var part in _parts) Add(part);
        }

        public override Value Forward(Value x) => _parts.Aggregate(x, (y, part) => part.Forward(y));
    }
}
