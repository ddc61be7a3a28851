using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>x weight^T + bias over the last dimension.</summary>
public sealed class Projection : Module
{
    /// <summary>Draws the weight; the bias starts at 0.</summary>
    public Projection(ParameterInitializer initializer, string name, int inFeatures, int outFeatures, bool hasBias)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(initializer);
        Weight = Add("weight", initializer.Xavier(outFeatures, inFeatures));
        Bias = hasBias ? Add("bias", initializer.Constant(0, outFeatures), decays: false) : null;
    }

    /// <summary>[out][in].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Linear(x.Tape.Use(Weight), Bias is null ? default : x.Tape.Use(Bias));
}
