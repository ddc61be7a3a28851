using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>A 3x3 convolution, then ReLU, that keeps channels and size and can sample on boxes; see <see cref="StarOffsets"/>. It has no
/// bias.</summary>
public sealed class StarConv : Module
{
    private readonly Conv2DOptions _options;
    private readonly Parameter _weight;

    /// <summary>Makes the layer.</summary>
    public StarConv(Initializer init, string name, int channels) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _options = new Conv2DOptions(channels, channels, 3) { Padding = 1, Activation = Activation.Relu };
        _weight = Add("weight", init.HeNormal(fanOut: true, channels, 3, 3, channels));
    }

    /// <summary>The convolution at offsets [B][H][W][18].</summary>
    public Value Around(Value x, Value offsets) => x.DeformConv2D(new DeformConv2DOptions { Conv = _options }, offsets, default, x.Tape.Use(_weight));

    /// <summary>The convolution in its plain grid.</summary>
    public override Value Forward(Value x) => x.Conv2D(_options, x.Tape.Use(_weight));
}
