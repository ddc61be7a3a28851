using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Batch normalisation by constants: scale, shift, mean and variance are buffers that a file fills. Nothing is learned, and
/// backward keeps no activation for it.</summary>
public sealed class FrozenBatchNorm : Module
{
    private readonly BatchNormOptions _options;
    private readonly DeviceTensor _gamma, _beta, _mean, _variance;

    /// <summary>Starts as the identity: scale 1, shift 0, mean 0, variance 1.</summary>
    public FrozenBatchNorm(Initializer init, string name, int channels, float epsilon = 1e-5f) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _options = new BatchNormOptions { Epsilon = epsilon };
        _gamma = AddBuffer("weight", init.Constant(1, channels));
        _beta = AddBuffer("bias", init.Constant(0, channels));
        _mean = AddBuffer("running_mean", init.Constant(0, channels));
        _variance = AddBuffer("running_var", init.Constant(1, channels));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        return x.FrozenBatchNorm(_options, tape.Input(_mean), tape.Input(_variance), tape.Input(_gamma), tape.Input(_beta));
    }
}
