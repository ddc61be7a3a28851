using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Layer normalisation of the last dimension with a trained scale and shift (Ba, Kiros, Hinton, 2016).</summary>
public sealed class LayerNorm : Module
{
    private readonly LayerNormOptions _options;
    private readonly Parameter _gamma, _beta;

    /// <summary>Starts with scale 1 and shift 0.</summary>
    public LayerNorm(Initializer init, string name, int channels, float epsilon = 1e-5f) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _options = new LayerNormOptions { Epsilon = epsilon };
        _gamma = Add("weight", init.Constant(1, channels), decays: false);
        _beta = Add("bias", init.Constant(0, channels), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.LayerNorm(_options, x.Tape.Use(_gamma), x.Tape.Use(_beta));
}
