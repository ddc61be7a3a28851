using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>A 3x3 convolution that says itself where it looks: offsets and weights of its taps come from a convolution of the same x (Zhu, Hu,
/// Lin, Dai, "Deformable ConvNets v2", 2019), which starts at 0: no offset, weight 1/2.</summary>
public sealed class ModulatedDeformConv : Module
{
    private const int Taps = 9;

    private readonly Conv2DOptions _sampling;
    private readonly DeformConv2DOptions _options;
    private readonly Parameter _weight, _bias, _samplingWeight, _samplingBias;

    /// <summary>Makes the layer.</summary>
    public ModulatedDeformConv(Initializer init, string name, int inChannels, int outChannels) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _sampling = new Conv2DOptions(inChannels, 3 * Taps, 3) { Padding = 1 };
        _options = new DeformConv2DOptions { Conv = new Conv2DOptions(inChannels, outChannels, 3) { Padding = 1 } };
        _weight = Add("weight", init.HeNormal(fanOut: true, outChannels, 3, 3, inChannels));
        _bias = Add("bias", init.Constant(0, outChannels), decays: false);
        _samplingWeight = Add("conv_offset_mask.weight", init.Constant(0, 3 * Taps, 3, 3, inChannels));
        _samplingBias = Add("conv_offset_mask.bias", init.Constant(0, 3 * Taps), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var sampling = x.Conv2D(_sampling, tape.Use(_samplingWeight), tape.Use(_samplingBias));
        var mask = sampling.Columns(2 * Taps, Taps).Activate(Activation.Sigmoid);
        return x.DeformConv2D(_options, sampling.Columns(0, 2 * Taps), mask, tape.Use(_weight), tape.Use(_bias));
    }
}
