using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>Batch normalisation of the last dimension (Ioffe and Szegedy, 2015): scale and shift are learned; the statistics are the
/// batch's in training and the running ones in evaluation.</summary>
public sealed class BatchNorm : Module
{
    private readonly BatchNormOptions _options;
    private readonly Parameter _gamma, _beta;
    private readonly DeviceTensor _mean, _variance;

    /// <summary>Starts as the identity: scale 1, shift 0, mean 0, variance 1.</summary>
    public BatchNorm(Initializer init, string name, int channels, float epsilon = 1e-5f, float momentum = 0.1f) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _options = new BatchNormOptions { Epsilon = epsilon, Momentum = momentum };
        _gamma = Add("weight", init.Constant(1, channels), decays: false);
        _beta = Add("bias", init.Constant(0, channels), decays: false);
        _mean = AddBuffer("running_mean", init.Constant(0, channels));
        _variance = AddBuffer("running_var", init.Constant(1, channels));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var (gamma, beta) = (x.Tape.Use(_gamma), x.Tape.Use(_beta));
        return IsTraining
            ? x.BatchNorm(_options, _mean, _variance, gamma, beta)
            : x.FrozenBatchNorm(_options, x.Tape.Input(_mean), x.Tape.Input(_variance), gamma, beta);
    }
}
