namespace Fovea.Models.Sequences.Transformers;

/// <summary>One run of a decoder over new positions of some streams, with the caches of their past. Enqueues only, so a run can be
/// captured; all that changes from run to run is read on the device.</summary>
/// <param name="decoder">Packed weights.</param>
/// <param name="self">Cache of each layer's self-attention.</param>
/// <param name="cross">Cache of each layer's cross-attention; empty without an encoder.</param>
internal sealed class DecoderPass(PreparedDecoder decoder, KeyValueCache[] self, KeyValueCache[] cross)
{
    private readonly TransformerOptions _options = decoder.Options;

    /// <summary>What a run reads, i32 on the device. n = Streams * Length rows, the positions of a stream behind each other.</summary>
    /// <param name="First">First stream.</param>
    /// <param name="Streams">Number of streams.</param>
    /// <param name="Length">New positions of each.</param>
    /// <param name="Tokens">[n].</param>
    /// <param name="Positions">[n].</param>
    /// <param name="Rows">[n], where keys and values go; see <see cref="KeyValueCache.Append"/>.</param>
    /// <param name="Lengths">[streams], positions with the new ones.</param>
    /// <param name="MemoryLengths">[streams], positions of the encoder's output, or null.</param>
    public sealed record Inputs(int First, int Streams, int Length, DeviceTensor Tokens, DeviceTensor Positions, DeviceTensor Rows,
        DeviceTensor Lengths, DeviceTensor? MemoryLengths);

    /// <summary>Enqueues the run; gives vectors [n][width] for <see cref="PreparedDecoder.Logits"/>.</summary>
    public DeviceTensor Run(DeviceStream stream, Inputs inputs)
    {
        var x = Embed(stream, inputs);
        var (cosine, sine) = Angles(stream, inputs);
        for (var i = 0; i < decoder.Layers.Length; i++)
        {
            var (layer, index) = (decoder.Layers[i], i);
            x = Around(stream, layer.Layer.AttentionResidual, x,
                y => SelfAttention(stream, layer.Attention, index, inputs, y, cosine, sine));
            if (layer.Cross is not null)
                x = Around(stream, layer.Layer.CrossResidual!, x, y => CrossAttention(stream, layer.Cross, index, inputs, y));
            x = Around(stream, layer.Layer.FeedForwardResidual, x, y => layer.FeedForward(stream, y));
        }
        cosine?.Dispose();
        sine?.Dispose();
        if (decoder.Model.Decoder.FinalNorm is { } norm) Normalise(stream, norm, x, residual: null, x);
        return x;
    }

    private DeviceTensor Embed(DeviceStream stream, Inputs inputs)
    {
        var embedding = decoder.Model.Embedding;
        var x = DeviceTensor.Allocate(stream, DType.Float32, inputs.Tokens.Shape[0], _options.Width);
        Kernels.GatherRows(stream, embedding.Table.Value, inputs.Tokens, x);
        if (embedding.Scale != 1) Kernels.Affine(stream, embedding.Scale, 0, x, x);
        if (embedding.Positions is null) return x;
        using var added = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        Kernels.GatherRows(stream, embedding.Positions, inputs.Positions, added);
        Kernels.Binary(stream, BinaryOp.Add, x, added, x);
        return x;
    }

    private (DeviceTensor? Cosine, DeviceTensor? Sine) Angles(DeviceStream stream, Inputs inputs)
    {
        if (decoder.Model.Decoder.Rotary is not { } rotary) return (null, null);
        return (Gather(rotary.Cosines), Gather(rotary.Sines));

        DeviceTensor Gather(DeviceTensor table)
        {
            var y = DeviceTensor.Allocate(stream, DType.Float32, inputs.Positions.Shape[0], table.Shape[1]);
            Kernels.GatherRows(stream, table, inputs.Positions, y);
            return y;
        }
    }

    // Takes x over and gives the residual sum around a block, in x's memory.
    private static DeviceTensor Around(DeviceStream stream, Residual residual, DeviceTensor x, Func<DeviceTensor, DeviceTensor> block)
    {
        if (residual.NormFirst)
        {
            using var normed = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
            Normalise(stream, residual.Norm, x, residual: null, normed);
            using var y = block(normed);
            Kernels.Binary(stream, BinaryOp.Add, x, y, x);
        }
        else
        {
            using var y = block(x);
            Normalise(stream, residual.Norm, x, y, x);
        }
        return x;
    }

    private static void Normalise(DeviceStream stream, Norm norm, DeviceTensor x, DeviceTensor? residual, DeviceTensor y) =>
        Kernels.LayerNorm(stream, norm.Options, x, residual, norm.Gamma.Value, norm.Beta?.Value, sum: null, y);

    private DeviceTensor SelfAttention(DeviceStream stream, PreparedAttention attention, int layer, Inputs inputs, DeviceTensor x,
        DeviceTensor? cosine, DeviceTensor? sine)
    {
        using var q = attention.Queries.Forward(stream, x);
        using var k = attention.Keys.Forward(stream, x);
        using var v = attention.Values.Forward(stream, x);
        if (cosine is not null && sine is not null)
        {
            Rotate(stream, q, cosine, sine);
            Rotate(stream, k, cosine, sine);
        }
        self[layer].Append(stream, k, v, inputs.Rows);
        return Attend(stream, attention, inputs, q, self[layer], inputs.Lengths, causal: true);
    }

    private DeviceTensor CrossAttention(DeviceStream stream, PreparedAttention attention, int layer, Inputs inputs, DeviceTensor x)
    {
        using var q = attention.Queries.Forward(stream, x);
        return Attend(stream, attention, inputs, q, cross[layer], inputs.MemoryLengths!, causal: false);
    }

    // The last new position is aligned with the last key, so causal alignment follows from the lengths.
    private DeviceTensor Attend(DeviceStream stream, PreparedAttention attention, Inputs inputs, DeviceTensor q, KeyValueCache cache,
        DeviceTensor lengths, bool causal)
    {
        var (keys, values) = cache.Of(inputs.First, inputs.Streams);
        using var joined = DeviceTensor.Allocate(stream, DType.Float32, q.Shape);
        long[] heads = [inputs.Streams, inputs.Length, _options.Heads, _options.HeadSize];
        var (queries, o) = (q.Reshape(heads), joined.Reshape(heads));
        Kernels.Attention(stream, new AttentionOptions { Causal = causal }, queries, keys, values, lengths, o, lse: null);
        return attention.Output.Forward(stream, joined);
    }

    // In place: q or k [n][heads * D], angles [n][D/2].
    private void Rotate(DeviceStream stream, DeviceTensor x, DeviceTensor cosine, DeviceTensor sine)
    {
        var rows = x.Shape[0];
        var heads = x.Reshape(rows, -1, _options.HeadSize);
        using var turned = DeviceTensor.Allocate(stream, DType.Float32, heads.Shape);
        RotaryPositions.Rotate(stream, heads, cosine.Reshape(rows, 1, -1), sine.Reshape(rows, 1, -1), turned);
        Kernels.Copy(stream, turned, heads);
    }
}
