using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>x times a gate per channel: hard sigmoid(fc2(relu(fc1(mean of x)))) (Hu, Shen, Sun, "Squeeze-and-Excitation Networks", 2018, with
/// the gate of MobileNetV3).</summary>
public sealed class SqueezeExcite : Module
{
    private static readonly Activation Gate = Activation.HardSigmoid(1f / 6);

    private readonly Parameter[] _parameters;

    /// <summary>Makes the gate.</summary>
    /// <param name="init">Where and how parameters begin.</param>
    /// <param name="name">Path of the gate.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="squeezed">Numbers between the two layers.</param>
    public SqueezeExcite(Initializer init, string name, int channels, int squeezed) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _parameters =
        [
            Add("fc1.weight", init.HeNormal(fanOut: true, squeezed, channels)), Add("fc1.bias", init.Constant(0, squeezed), decays: false),
            Add("fc2.weight", init.HeNormal(fanOut: true, channels, squeezed)), Add("fc2.bias", init.Constant(0, channels), decays: false),
        ];
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var hidden = x.AdaptivePool2D(PoolMode.Average).Linear(tape.Use(_parameters[0]), tape.Use(_parameters[1])).Activate(Activation.Relu);
        return x.Multiply(hidden.Linear(tape.Use(_parameters[2]), tape.Use(_parameters[3])).Activate(Gate));
    }
}
