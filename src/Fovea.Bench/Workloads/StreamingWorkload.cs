using System.Runtime.InteropServices;
using Fovea.Bench.Measure;
using Fovea.Models.Sequences;

namespace Fovea.Bench.Workloads;

/// <summary>One token through a language model over bytes whose memory of the past has a constant size: the time of a call is that of a
/// token of text, from the token on the host to its logits there.</summary>
public abstract class StreamingWorkload(string family, string name) : Workload(family, name)
{
    /// <summary>Number of tokens.</summary>
    public const int Vocabulary = 256;

    /// <summary>The token of every call.</summary>
    public const int Token = 65;

    // Every weight takes part once. Per number of the state: its decay, what comes in and what goes out.
    public override double Flops => 2.0 * WeightCount + 5.0 * StateCount;

    public override double BytesRead => 4.0 * (WeightCount + StateCount);

    public override double BytesWritten => 4.0 * (Vocabulary + StateCount);

    /// <summary>Numbers in the parameters but for those of the embedding, of which a token needs one row.</summary>
    protected abstract long WeightCount { get; }

    /// <summary>Numbers that pass from one token to the next.</summary>
    protected abstract long StateCount { get; }

    /// <summary>The model, with the same weights whenever it is made.</summary>
    public abstract LanguageModel CreateModel(DeviceStream stream);

    /// <summary>The state before the step whose result is compared, part by part. None of it is 0: a mistake with any part shows.</summary>
    public static float[] StateBefore(int count) => RandomData.Uniform(9, count, 0.1f, 0.5f);

    public override Contestant CreateFovea(DeviceStream stream)
    {
        var state = new SequenceState(stream, 1);
        using var model = CreateModel(stream);
        var streaming = model.ToStreaming(state);
        var session = new SequenceSession(state, streaming, DType.Int32, 1, 1);
        int[] token = [Token];
        var logits = new float[Vocabulary];
        return new Contestant(FoveaContestant.Name, Step) { Read = Read, Owned = [state, streaming, session] };

        void Step() => session.Step<int>(token, logits);

        // The calls before left a state of their own; the result that is compared must not depend on how many there were.
        float[] Read()
        {
            state.Load(MemoryMarshal.AsBytes<float>(StateBefore(state.ByteCount / sizeof(float))));
            Step();
            return [.. logits];
        }
    }

    /// <summary>Layers around mixers, each behind a norm of the root mean square and in front of a residual sum.</summary>
    protected static LanguageModel Stack(DeviceStream stream, int width, int layers, Func<string, Random, SequenceModule> mixer)
    {
        var (random, norm) = (new Random(1), new LayerNormOptions { Rms = true });
        return new LanguageModel(stream, Vocabulary, width, norm, tied: false, random,
            [.. Enumerable.Range(0, layers).Select(i => new ResidualLayer(stream, $"layers.{i}", width, norm, mixer($"layers.{i}.mixer", random)))]);
    }

    /// <summary>Numbers in the parameters of <see cref="Stack"/> without those of the embedding.</summary>
    protected static long StackCount(int width, int layers, long mixer) => layers * (mixer + width) + width + (long)Vocabulary * width;
}
