using Fovea.Training;

namespace Fovea.Models.Sequences.Transformers;

/// <summary>Softmax(q k^T / sqrt(D)) v over heads, between four products. Keys and values may have fewer heads than queries, and come
/// from another sequence.</summary>
public sealed class MultiHeadAttention : Module
{
    private readonly int _heads, _groups, _headSize;

    /// <summary>Draws the weights.</summary>
    public MultiHeadAttention(DeviceStream stream, string name, TransformerOptions options, Random random)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_heads, _groups, _headSize) = (options.Heads, options.Groups, options.HeadSize);
        var (width, narrow, bias) = (options.Width, options.Groups * options.HeadSize, options.HasBias);
        Queries = Add(new Dense(stream, $"{name}.queries", width, width, bias, random));
        Keys = Add(new Dense(stream, $"{name}.keys", width, narrow, bias, random));
        Values = Add(new Dense(stream, $"{name}.values", width, narrow, bias, random));
        Output = Add(new Dense(stream, $"{name}.output", width, width, bias, random));
    }

    /// <summary>Makes queries.</summary>
    public Dense Queries { get; }

    /// <summary>Makes keys.</summary>
    public Dense Keys { get; }

    /// <summary>Makes values.</summary>
    public Dense Values { get; }

    /// <summary>Joins the heads.</summary>
    public Dense Output { get; }

    /// <summary>Self-attention of x [B][L][width] without a mask.</summary>
    public override Value Forward(Value x) => Forward(x, x);

    /// <summary>Attention of x to <paramref name="memory"/>.</summary>
    /// <param name="x">[B][L][width].</param>
    /// <param name="memory">[B][M][width], where keys and values come from; x itself for self-attention.</param>
    /// <param name="keyLengths">i32 [B], positions of the memory that count, or absent.</param>
    /// <param name="causal">Whether a position sees itself and earlier ones alone.</param>
    /// <param name="rotary">Turns queries and keys, or null.</param>
    public Value Forward(Value x, Value memory, Value keyLengths = default, bool causal = false, RotaryPositions? rotary = null)
    {
        var (batch, length, keys) = (x.Shape[0], x.Shape[1], memory.Shape[1]);
        var q = Queries.Forward(x).Reshape(batch, length, _heads, _headSize);
        var k = Keys.Forward(memory).Reshape(batch, keys, _groups, _headSize);
        var v = Values.Forward(memory).Reshape(batch, keys, _groups, _headSize);
        if (rotary is not null) (q, k) = (rotary.Forward(q), rotary.Forward(k));
        var o = q.Attention(k, v, new AttentionOptions { Causal = causal }, keyLengths);
        return Output.Forward(o.Reshape(batch, length, (long)_heads * _headSize));
    }
}
