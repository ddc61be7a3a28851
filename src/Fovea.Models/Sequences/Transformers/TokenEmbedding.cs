using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Vectors of tokens, scaled, plus those of their positions; the same table turns vectors into logits again (Press and Wolf,
/// "Using the Output Embedding to Improve Language Models", 2017).</summary>
public sealed class TokenEmbedding : Module
{
    private readonly Parameter? _learned;
    private readonly DeviceTensor? _fixed;
    private readonly float _dropout;

    /// <summary>Draws the table.</summary>
    public TokenEmbedding(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        var (width, length) = (options.Width, options.MaxLength);
        _dropout = options.Dropout;
        Scale = options.ScalesEmbedding ? MathF.Sqrt(width) : 1;
        // Scaled up by sqrt(width), a row has elements of deviation 1 like the positions; logits of unit vectors are of order 1.
        Table = Add("table", Initial.Normal(stream, random, 1 / Math.Sqrt(width), options.Vocabulary, width));
        if (options.Positions == PositionKind.Learned)
            _learned = Add("positions", Initial.Normal(stream, random, 1 / Math.Sqrt(width), length, width));
        var table = options.Positions switch
        {
            PositionKind.Sinusoidal => SinusoidalPositions.Interleaved(length, width),
            PositionKind.SinusoidalConcatenated => SinusoidalPositions.Concatenated(length, width),
            _ => null,
        };
        if (table is not null) _fixed = AddBuffer("positions", DeviceTensor.From<float>(stream, table, length, width));
    }

    /// <summary>[vocabulary][width].</summary>
    public Parameter Table { get; }

    /// <summary>Factor of the token's vector.</summary>
    public float Scale { get; }

    /// <summary>[positions][width] that is added, or null.</summary>
    public DeviceTensor? Positions => _learned?.Value ?? _fixed;

    /// <summary>Tokens, i32 or i64 [B][L], to [B][L][width]. A token outside the vocabulary gives zeros plus its
    /// position.</summary>
    /// <exception cref="ArgumentException">The sequence is longer than the positions.</exception>
    public override Value Forward(Value x)
    {
        var tape = x.Tape;
        var y = tape.Use(Table).GatherRows(x);
        if (Scale != 1) y = y.Affine(Scale);
        if (_learned is not null) y = y.Add(tape.Use(_learned).Rows(0, x.Shape[1]));
        else if (_fixed is not null) y = y.Add(tape.Input(_fixed).Rows(0, x.Shape[1]));
        return IsTraining ? y.Dropout(_dropout) : y;
    }

    /// <summary>Vectors [..][width] to logits [..][vocabulary].</summary>
    public Value Logits(Value x) => x.Linear(x.Tape.Use(Table));
}
