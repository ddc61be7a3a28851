using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Doubles a map: activation(norm(transposed conv4x4(activation(norm(conv3x3(x)))))), the first convolution deformable or not.</summary>
internal sealed class UpsamplingStep : Module
{
    private static readonly ConvTranspose2DOptions Double = new() { Conv = new Conv2DOptions { Stride = 2, Padding = 1, KernelHeight = 4, KernelWidth = 4 } };

    private readonly ConvTranspose2DOptions _options;
    private readonly Activation _activation;
    private readonly Module _first;
    private readonly Module? _firstNorm, _norm;
    private readonly Parameter _weight;

    // Numbers as in a sequence of convolution, norm, activation, transposed convolution, norm, activation, of which the first is `index`.
    public UpsamplingStep(Initializer init, string name, int index, int inChannels, int outChannels, ConvStyle style, bool isDeformable) : base($"{name}.{index + 3}")
    {
        _activation = style.Activation;
        _options = Double with { Conv = Double.Conv with { InChannels = outChannels, OutChannels = outChannels } };
        if (isDeformable)
        {
            _first = Add(new ModulatedDeformConv(init, $"{name}.{index}", inChannels, outChannels));
            _firstNorm = AddNorm(style.CreateNormalization(init, $"{name}.{index + 1}", outChannels));
        }
        else
        {
            _first = Add(ConvNormActivation.Same(init, $"{name}.{index}", inChannels, outChannels, 3, style.Linear, normName: $"{name}.{index + 1}"));
        }
        _weight = Add("weight", init.HeNormal(fanOut: false, outChannels, 4, 4, outChannels));
        _norm = AddNorm(style.CreateNormalization(init, $"{name}.{index + 4}", outChannels));
    }

    public override Value Forward(Value x)
    {
        var y = _first.Forward(x);
        if (_firstNorm is not null) y = _firstNorm.Forward(y);
        y = y.Activate(_activation).ConvTranspose2D(_options, x.Tape.Use(_weight));
        if (_norm is not null) y = _norm.Forward(y);
        return y.Activate(_activation);
    }

    private Module? AddNorm(Module? norm) => norm is null ? null : Add(norm);
}
