using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Layer norm or root-mean-square norm of the last dimension, with a trained scale and, for layer norm, shift.</summary>
public sealed class Norm : Module
{
    /// <summary>Starts as the plain normalisation: scale 1, shift 0.</summary>
    public Norm(DeviceStream stream, string name, TransformerOptions options)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = new LayerNormOptions { Epsilon = options.NormEpsilon, Rms = options.RmsNorm };
        Gamma = Add("gamma", Initial.Constant(stream, 1, options.Width), decays: false);
        Beta = options.RmsNorm ? null : Add("beta", Initial.Constant(stream, 0, options.Width), decays: false);
    }

    /// <summary>Kind and epsilon.</summary>
    public LayerNormOptions Options { get; }

    /// <summary>Scale [width].</summary>
    public Parameter Gamma { get; }

    /// <summary>Shift [width], or null.</summary>
    public Parameter? Beta { get; }

    /// <inheritdoc/>
    public override Value Forward(Value x) =>
        x.LayerNorm(Options, x.Tape.Use(Gamma), Beta is null ? default : x.Tape.Use(Beta));
}
