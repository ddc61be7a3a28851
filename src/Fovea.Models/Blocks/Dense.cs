using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>activation(x weight^T + bias): x [..][in], weight [out][in].</summary>
public sealed class Dense : Module
{
    private readonly Parameter _weight, _bias;
    private readonly Activation _activation;

    /// <summary>Draws normal weights, with the deviation of 0.01 that the papers of these networks have for their last layers unless another
    /// one is given.</summary>
    public Dense(Initializer init, string name, int inFeatures, int outFeatures, Activation activation = default, float deviation = 0.01f) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _activation = activation;
        _weight = Add("weight", init.Normal(deviation, outFeatures, inFeatures));
        _bias = Add("bias", init.Constant(0, outFeatures), decays: false);
    }

    /// <summary>Takes over weights that were drawn elsewhere: weight [out][in], bias [out].</summary>
    public Dense(string name, DeviceTensor weight, DeviceTensor bias, Activation activation = default) : base(name)
    {
        _activation = activation;
        _weight = Add("weight", weight);
        _bias = Add("bias", bias, decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var y = x.Linear(x.Tape.Use(_weight), x.Tape.Use(_bias));
        return _activation.Kind == ActivationKind.None ? y : y.Activate(_activation);
    }
}
