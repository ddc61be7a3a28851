using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Group normalisation of the last dimension (Wu and He, 2018), the same in training and evaluation.</summary>
public sealed class GroupNorm : Module
{
    private readonly GroupNormOptions _options;
    private readonly Parameter _gamma, _beta;

    /// <summary>Starts with scale 1 and shift 0.</summary>
    public GroupNorm(Initializer init, string name, int channels, int groups = 32, float epsilon = 1e-5f) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _options = new GroupNormOptions(groups) { Epsilon = epsilon };
        _gamma = Add("weight", init.Constant(1, channels), decays: false);
        _beta = Add("bias", init.Constant(0, channels), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.GroupNorm(_options, x.Tape.Use(_gamma), x.Tape.Use(_beta));
}
