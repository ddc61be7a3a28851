using Fovea.Bench.Measure;
using Fovea.Models.Sequences.Transformers;

namespace Fovea.Bench.Workloads;

/// <summary>One token through a Transformer decoder over bytes behind a prompt, with keys and values of the past in a cache: from the
/// token on the host to its logits there. Each call sees one token more than the one before; after <paramref name="prompt"/> calls the
/// session goes back to the prompt.</summary>
public sealed class DecoderWorkload(int width, int heads, int layers, int prompt)
    : Workload("decode", $"Transformer C{width} L{layers}, {prompt} to {2 * prompt} tokens")
{
    /// <summary>Layers as LLaMA has them: RMS norms in front, rotary positions, SwiGLU with the weights of a plain block of four times
    /// the width, no biases.</summary>
    public TransformerOptions Options { get; } = new()
    {
        Vocabulary = StreamingWorkload.Vocabulary,
        Width = width,
        Heads = heads,
        FeedForward = FeedForwardKind.SwiGlu,
        FeedForwardWidth = (8 * width / 3 + 31) / 32 * 32,
        DecoderLayers = layers,
        NormFirst = true,
        RmsNorm = true,
        HasBias = false,
        Positions = PositionKind.Rotary,
        MaxLength = 2 * prompt,
    };

    /// <summary>Tokens in front of the one whose logits are compared.</summary>
    public int Prompt => prompt;

    // The embedding is the head as well, so every weight takes part once. Keys and values are counted for the prompt: the least.
    public override double Flops => 2.0 * Options.ParameterCount + 2.0 * CacheCount;

    public override double BytesRead => 4.0 * (Options.ParameterCount + CacheCount);

    public override double BytesWritten => 4.0 * (Options.Vocabulary + 2.0 * width * layers);

    private double CacheCount => 2.0 * prompt * width * layers;

    public int[] PromptTokens() => [.. RandomData.Bytes(2, prompt).Select(b => (int)b)];

    /// <summary>The model, with the same weights whenever it is made.</summary>
    public CausalTransformer CreateModel(DeviceStream stream) => new(stream, Options, seed: 1);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var model = CreateModel(stream);
        var decoder = new PreparedDecoder(stream, model);
        var session = new TransformerDecoderSession(decoder, stream, streams: 1, capacity: 2 * prompt);
        int[] token = [StreamingWorkload.Token];
        var logits = new float[Options.Vocabulary];
        session.Prefill(0, PromptTokens(), logits);
        return new Contestant(FoveaContestant.Name, Step) { Read = Read, Owned = [model, decoder, session] };

        void Step()
        {
            if (session.Lengths[0] == session.Capacity) session.Truncate(0, prompt);
            session.Step(token, logits);
        }

        float[] Read()
        {
            session.Truncate(0, prompt);
            Step();
            return [.. logits];
        }
    }
}
