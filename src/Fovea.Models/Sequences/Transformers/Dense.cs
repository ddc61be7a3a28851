using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>x weight^T + bias over the last dimension.</summary>
public sealed class Dense : Module
{
    /// <summary>Draws the weight, uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio, 2010); the bias starts at 0.</summary>
    public Dense(DeviceStream stream, string name, int inFeatures, int outFeatures, bool hasBias, Random random)
        : base(name)
    {
        var bound = Math.Sqrt(6.0 / (inFeatures + outFeatures));
        Weight = Add("weight", Initial.Uniform(stream, random, bound, outFeatures, inFeatures));
        Bias = hasBias ? Add("bias", Initial.Constant(stream, 0, outFeatures), decays: false) : null;
    }

    /// <summary>[out][in].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Linear(x.Tape.Use(Weight), Bias is null ? default : x.Tape.Use(Bias));

    /// <summary>The same product with packed weights, for inference.</summary>
    internal Projection Pack(DeviceStream stream, WeightFormat format, Activation activation = default) =>
        new(stream, Weight.Value, Bias?.Value, activation, format);
}
