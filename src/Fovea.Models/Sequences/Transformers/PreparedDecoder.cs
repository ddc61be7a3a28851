namespace Fovea.Models.Sequences.Transformers;

/// <summary>The decoder of a model with its weights packed for inference. Any number of sessions share it, on any thread. Norms and the
/// embedding stay the model's: it must live longer, and must not be trained meanwhile.</summary>
public sealed class PreparedDecoder : IDisposable
{
    /// <summary>Packs the weights and waits.</summary>
    /// <param name="stream">Whose pool holds the packed weights.</param>
    /// <param name="model">The trained model.</param>
    /// <param name="format">How they are stored. The narrow formats give a row the same bits whatever its batch.</param>
    public PreparedDecoder(DeviceStream stream, IDecoderModel model, WeightFormat format = WeightFormat.Float32)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        Layers = [.. model.Decoder.Layers.Select(layer => new PreparedDecoderLayer(stream, layer, format))];
        Logits = new Projection(stream, model.Embedding.Table.Value, format: format);
        stream.Synchronize();
    }

    /// <summary>Sizes and variants.</summary>
    public TransformerOptions Options => Model.Options;

    internal IDecoderModel Model { get; }

    internal PreparedDecoderLayer[] Layers { get; }

    internal Projection Logits { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
        Logits.Dispose();
    }
}
