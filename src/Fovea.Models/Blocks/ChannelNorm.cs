using Fovea.Training;

namespace Fovea.Models.Blocks;

/// <summary>scale * x / |x|: every cell's channels at length 1, times a learnt scale per channel (Liu, Rabinovich, Berg, "ParseNet", 2015). SSD
/// brings the large numbers of an early map down with it.</summary>
public sealed class ChannelNorm : Module
{
    private const float Epsilon = 1e-10f; // beside the squared length: a cell of zeros stays zero

    private readonly Parameter _scale;

    /// <summary>Makes the layer.</summary>
    /// <param name="init">Where the scale begins.</param>
    /// <param name="name">Path of the layer.</param>
    /// <param name="channels">Of x [N][H][W][C].</param>
    /// <param name="scale">First length of every cell; 20 in SSD.</param>
    public ChannelNorm(Initializer init, string name, int channels, float scale = 20) : base(name)
    {
        ArgumentNullException.ThrowIfNull(init);
        _scale = Add("weight", init.Constant(scale, channels), decays: false);
    }

    /// <inheritdoc/>
    public override Value Forward(Value x)
    {
        var length = x.Unary(UnaryOp.Square).Reduce(ReduceOp.Sum, keepDimensions: true, 3).Affine(1, Epsilon);
        return x.Multiply(length.Unary(UnaryOp.Rsqrt)).Multiply(x.Tape.Use(_scale));
    }
}
