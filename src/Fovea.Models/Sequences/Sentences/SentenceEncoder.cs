using Fovea.Data;

namespace Fovea.Models.Sequences.Sentences;

/// <summary>Turns English sentences into vectors of norm 1 whose dot product says how alike their meanings are: the Universal Sentence
/// Encoder Lite (Cer et al., 2018).</summary>
/// <remarks>Immutable: any number of threads may encode, each with a stream of its own of the same device.</remarks>
public sealed class SentenceEncoder : IDisposable
{
    /// <summary>Name in the catalogue.</summary>
    public const string ModelName = "use-lite";

    /// <summary>Numbers of a vector.</summary>
    public const int Width = SentenceEncoderNet.Width;

    // Pieces below this are control tokens; 0 stands for unknown text.
    private const int ReservedPieces = 6, UnknownPiece = 0;

    private readonly DeviceStream _stream;

    private SentenceEncoder(Device device, ModelStore store)
    {
        Tokenizer = UnigramTokenizer.Parse(store.Read(ModelName, "vocab.json"), $"{ModelName}/vocab.json", ReservedPieces, UnknownPiece);
        var weights = store.LoadTfjs(ModelName, "model.json");
        _stream = device.CreateStream();
        try
        {
            Net = new SentenceEncoderNet(_stream, weights);
            _stream.Synchronize();
        }
        catch
        {
            _stream.Dispose();
            throw;
        }
    }

    /// <summary>Cuts sentences into tokens.</summary>
    public UnigramTokenizer Tokenizer { get; }

    internal SentenceEncoderNet Net { get; }

    /// <summary>Loads the weights that <c>fovea models fetch use-lite</c> brought.</summary>
    /// <exception cref="ModelNotInstalledException">They are not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static SentenceEncoder Load(Device device, ModelStore store)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(store);
        return new SentenceEncoder(device, store);
    }

    /// <summary>Writes the vector of each sentence, one behind the other, and waits. Of a sentence the first 128 tokens count; an empty
    /// one has a vector, too.</summary>
    /// <param name="stream">A stream of the encoder's device.</param>
    /// <param name="sentences">What to encode; work grows with the tokens in all, not with the longest sentence.</param>
    /// <param name="vectors">Room for <see cref="Width"/> numbers per sentence.</param>
    public void Encode(DeviceStream stream, IReadOnlyList<string> sentences, Span<float> vectors)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(sentences);
        var numbers = sentences.Count * Width;
        if (vectors.Length != numbers)
            throw new ArgumentException($"{sentences.Count} vectors have {numbers} numbers, the span has {vectors.Length}", nameof(vectors));
        if (sentences.Count == 0) return;
        using var y = Forward(stream, sentences);
        y.CopyTo(stream, vectors);
    }

    /// <summary>The network over some sentences; see <see cref="SentenceEncoderNet.Forward"/>.</summary>
    internal DeviceTensor Forward(
        DeviceStream stream, IReadOnlyList<string> sentences, Action<int, DeviceTensor, DeviceTensor>? inspect = null)
    {
        List<int> tokens = [], positions = [], owners = [], offsets = [0];
        var counts = new float[sentences.Count];
        for (var s = 0; s < sentences.Count; s++)
        {
            foreach (var token in Tokenizer.Encode(sentences[s]).Take(SentenceEncoderNet.MaxTokens))
            {
                positions.Add(tokens.Count - offsets[s]);
                tokens.Add(token.Id);
                owners.Add(s);
            }
            counts[s] = Math.Max(tokens.Count - offsets[s], 1);
            offsets.Add(tokens.Count);
        }
        using var t = DeviceTensor.From<int>(stream, [.. tokens], tokens.Count);
        using var p = DeviceTensor.From<int>(stream, [.. positions], tokens.Count);
        using var o = DeviceTensor.From<int>(stream, [.. owners], tokens.Count);
        using var b = DeviceTensor.From<int>(stream, [.. offsets], offsets.Count);
        using var c = DeviceTensor.From<float>(stream, counts, counts.Length, 1);
        return Net.Forward(stream, t, p, o, b, c, inspect);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Net.Dispose();
        _stream.Dispose();
    }
}
