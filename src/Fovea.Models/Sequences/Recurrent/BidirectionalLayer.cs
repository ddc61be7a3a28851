using Fovea.Training;

namespace Fovea.Models.Sequences.Recurrent;

/// <summary>Two recurrent layers over the same sequences, one from each end, side by side: <c>[B, L, input]</c> to
/// <c>[B, L, 2*hidden]</c> (Schuster and Paliwal, 1997).</summary>
public sealed class BidirectionalLayer : Module
{
    private readonly RecurrentLayer _forward, _backward;

    /// <summary>Both layers with initial values of their own.</summary>
    /// <param name="stream">Where the parameters are allocated.</param>
    /// <param name="name">Path inside the model.</param>
    /// <param name="options">Cell and sizes; the direction is ignored.</param>
    /// <param name="random">Source of the initial values.</param>
    public BidirectionalLayer(DeviceStream stream, string name, in RecurrentOptions options, Random random)
        : base(name)
    {
        _forward = Add(new RecurrentLayer(stream, name, options with { Reverse = false }, random));
        _backward = Add(new RecurrentLayer(stream, name, options with { Reverse = true }, random));
    }

    /// <inheritdoc/>
    public override Value Forward(Value x) => Forward(x, lengths: default);

    /// <summary>The same for sequences of different lengths: the reversed layer begins at the last valid position.</summary>
    public Value Forward(Value x, Value lengths) => _forward.Forward(x, lengths).Concat(_backward.Forward(x, lengths));
}
