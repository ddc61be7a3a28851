using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>x where x is positive, else x times a slope that is learned per channel and starts at 0.25 (He, Zhang, Ren, Sun, "Delving Deep into
/// Rectifiers", 2015).</summary>
public sealed class PRelu : Module
{
    private readonly Parameter _slope;

    /// <summary>Makes the layer for the last dimension of x.</summary>
    public PRelu(Initializer init, string name, int channels) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _slope = Add("weight", init.Constant(0.25f, channels), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Activate(Activation.PRelu, x.Tape.Use(_slope));
}
