using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>The sum around a block: norm(x + drop(block(x))), or x + drop(block(norm(x))) where norms come first.</summary>
public sealed class Residual : Module
{
    private readonly float _dropout;

    /// <summary>Makes the norm.</summary>
    public Residual(DeviceStream stream, string name, TransformerOptions options)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        (NormFirst, _dropout) = (options.NormFirst, options.Dropout);
        Norm = Add(new Norm(stream, $"{name}.norm", options));
    }

    /// <summary>Whether the norm stands in front of the block.</summary>
    public bool NormFirst { get; }

    /// <summary>The norm.</summary>
    public Norm Norm { get; }

    /// <summary>The sum around a block that passes x on.</summary>
    public override Value Forward(Value x) => Forward(x, static inner => inner);

    /// <summary>The sum around <paramref name="block"/>.</summary>
    public Value Forward(Value x, Func<Value, Value> block)
    {
        ArgumentNullException.ThrowIfNull(block);
        var y = block(NormFirst ? Norm.Forward(x) : x);
        if (IsTraining) y = y.Dropout(_dropout);
        return NormFirst ? x.Add(y) : Norm.Forward(x.Add(y));
    }
}
