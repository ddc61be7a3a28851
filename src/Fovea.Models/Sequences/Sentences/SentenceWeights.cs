using Fovea.Data;
using static Fovea.Models.Sequences.Sentences.SentenceEncoderNet;

namespace Fovea.Models.Sequences.Sentences;

/// <summary>Weights of the Universal Sentence Encoder Lite by the names of its TensorFlow.js graph.</summary>
internal sealed class SentenceWeights(TfjsWeights weights)
{
    // Variables that the conversion folded have names of operations, the others those of variables.
    private const string Folded = "module_apply_default/Encoder_en/KonaTransformer/Encode/";
    private const string Variable = "module/Encoder_en/KonaTransformer/Encode/";

    /// <summary>[8002][256].</summary>
    public float[] Embeddings => weights.Floats("module/Embeddings_en", Vocabulary, EmbeddingWidth);

    /// <summary>Angle per position of each sine and cosine.</summary>
    public float[] Frequencies =>
        weights.Floats($"{Folded}TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1", 1, EmbeddingWidth / 2);

    /// <summary>The dense layer at the end, [out][in].</summary>
    public LinearLayer Head(DeviceStream stream)
    {
        const string name = "module/Encoder_en/hidden_layers/tanh_layer_0";
        return Linear(stream, weights.Floats($"{name}/weights", Width, Width),
            weights.Floats($"{name}/bias", Width), Width, Activation.Tanh);
    }

    /// <summary>Queries, keys and values of a layer: three thirds of one product.</summary>
    public LinearLayer[] Projections(DeviceStream stream, int layer, int width)
    {
        var name = $"Layer_{layer}/TransformerLayer/MultiheadAttention/qkv_transform_single";
        var kernel = KernelLayout.ChannelsFirst(weights.Floats($"{Variable}{name}/kernel/part_0", 1, 1, width, 3 * width), 3 * width);
        var bias = weights.Floats($"{Folded}{name}/bias/ConcatPartitions/concat", 3 * width);
        var options = new LinearOptions { InFeatures = width, OutFeatures = width };
        return [.. Enumerable.Range(0, 3).Select(i =>
            new LinearLayer(stream, options, kernel.AsSpan(i * width * width, width * width), bias.AsSpan(i * width, width), []))];
    }

    /// <summary>The product that joins the heads of a layer.</summary>
    public LinearLayer Output(DeviceStream stream, int layer, int width)
    {
        var name = $"Layer_{layer}/TransformerLayer/MultiheadAttention/output_transform_single";
        return Linear(stream, weights.Floats($"{Variable}{name}/kernel/part_0", 1, 1, width, Width),
            weights.Floats($"{Folded}{name}/bias/ConcatPartitions/concat", Width), Width);
    }

    /// <summary>The product that widens the residual of the first layer.</summary>
    public LinearLayer Widen(DeviceStream stream)
    {
        const string name = "Layer_0/TransformerLayer/dense";
        return Linear(stream, weights.Floats($"{Folded}{name}/kernel/ConcatPartitions/concat", EmbeddingWidth, Width),
            weights.Floats($"{Folded}{name}/bias/ConcatPartitions/concat", Width), Width);
    }

    /// <summary>A product of the feed-forward block: 1 with ReLU, then 2.</summary>
    public LinearLayer FeedForward(DeviceStream stream, int layer, int index, int from, int to) => Linear(stream,
        weights.Floats($"{Folded}TransformerStack/Layer_{layer}/TransformerLayer/FFN/conv{index}/Tensordot/Reshape_1", from, to),
        weights.Floats($"{Folded}Layer_{layer}/TransformerLayer/FFN/conv{index}/bias/ConcatPartitions/concat", to), to,
        index == 1 ? Activation.Relu : Activation.None);

    /// <summary>Scale and shift of a norm; <paramref name="block"/> is "" or "FFN/".</summary>
    public (DeviceTensor Gamma, DeviceTensor Beta) Norm(DeviceStream stream, int layer, string block, int width)
    {
        var name = $"{Folded}Layer_{layer}/TransformerLayer/{block}layer_prepostprocess/layer_norm/layer_norm";
        return (DeviceTensor.From<float>(stream, weights.Floats($"{name}_scale/ConcatPartitions/concat", width), width),
            DeviceTensor.From<float>(stream, weights.Floats($"{name}_bias/ConcatPartitions/concat", width), width));
    }

    // TensorFlow's [in][out] becomes [out][in].
    private static LinearLayer Linear(DeviceStream stream, float[] kernel, float[] bias, int outFeatures, Activation activation = default) =>
        new(stream, new LinearOptions { InFeatures = kernel.Length / outFeatures, OutFeatures = outFeatures, Activation = activation },
            KernelLayout.ChannelsFirst(kernel, outFeatures), bias, []);
}
