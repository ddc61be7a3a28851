using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>The last convolution of a dense head, which keeps the size: small normal weights, so that the bias alone decides at first.</summary>
public sealed class PredictionConv : Module
{
    private readonly Conv2DOptions _options;
    private readonly Parameter _weight, _bias;

    /// <summary>Makes the layer.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the convolution.</param>
    /// <param name="inChannels">Channels of x.</param>
    /// <param name="outChannels">Numbers per cell.</param>
    /// <param name="kernel">1 or 3.</param>
    /// <param name="bias">First value of every bias; see <see cref="PriorBias"/>.</param>
    /// <param name="deviation">Of the weights.</param>
    public PredictionConv(Initializer init, string name, int inChannels, int outChannels, int kernel = 3, float bias = 0, float deviation = 0.01f) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _options = new Conv2DOptions(inChannels, outChannels, kernel) { Padding = kernel / 2 };
        _weight = Add("weight", init.Normal(deviation, outChannels, kernel, kernel, inChannels));
        _bias = Add("bias", init.Constant(bias, outChannels), decays: false);
    }

    /// <summary>The logit of a probability: -ln((1 - p)/p). With 0.01 a detector starts by finding nothing anywhere, which keeps the many
    /// cells of the ground from drowning the few of objects (Lin et al., "Focal Loss for Dense Object Detection", 2017).</summary>
    public static float PriorBias(double probability) => (float)-Math.Log((1 - probability) / probability);

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Conv2D(_options, x.Tape.Use(_weight), x.Tape.Use(_bias));
}
