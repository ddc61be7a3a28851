using Fovea.Training;

namespace Fovea.Models.Detectors;

/// <summary>One learned factor, 1 at first, by which a head that all levels share tells them apart.</summary>
public sealed class LevelScale : Module
{
    private readonly Parameter _scale;

    /// <summary>Makes the factor.</summary>
    public LevelScale(Initializer init, string name) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _scale = Add("scale", init.Constant(1, 1), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => x.Multiply(x.Tape.Use(_scale));
}
