namespace Fovea.Models.Sequences.Transformers;

/// <summary>A model that writes tokens one by one: what a <see cref="PreparedDecoder"/> is made from.</summary>
public interface IDecoderModel
{
    /// <summary>Sizes and variants.</summary>
    TransformerOptions Options { get; }

    /// <summary>Vectors of tokens, and logits.</summary>
    TokenEmbedding Embedding { get; }

    /// <summary>The stack that writes.</summary>
    Decoder Decoder { get; }
}
