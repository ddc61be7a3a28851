using Fovea.Data;

namespace Fovea.Models.Sequences.Rwkv;

/// <summary>An RWKV language model: embedding, blocks of a time mix and a channel mix, head. Immutable once loaded: any number of
/// <see cref="RwkvSession"/> may share it.</summary>
/// <remarks>The weights are those of rwkv.cpp's files. Arithmetic is f32, whatever the file holds, but for matrices that are stored in a
/// narrow format.</remarks>
public sealed class RwkvModel : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly DeviceTensor _embedding;
    private readonly List<(RwkvNorm Norm, RwkvMix Mix)> _halves = [];
    private readonly RwkvNorm _lastNorm;
    private readonly LinearLayer _head;

    private RwkvModel(DeviceStream stream, RwkvFile file, WeightFormat format)
    {
        Device = stream.Device;
        Options = OptionsOf(file);
        var weights = new RwkvWeights(stream, Options, file.ReadFloats, _owned, Format: format);
        try
        {
            _embedding = weights.Tensor("emb.weight", Options.Vocabulary, Options.Width);
            // The first norm sees nothing but rows of the table, so it is applied to the table once.
            new RwkvNorm(weights, "blocks.0.ln0").Forward(stream, null, _embedding, _embedding);
            for (var i = 0; i < Options.Layers; i++)
            {
                var block = weights.Below($"blocks.{i}");
                _halves.Add((new RwkvNorm(block, "ln1"), TimeMix(block.Below("att"), isFirst: i == 0)));
                _halves.Add((new RwkvNorm(block, "ln2"), new RwkvChannelMix(block.Below("ffn"))));
            }
            _lastNorm = new RwkvNorm(weights, "ln_out");
            _head = weights.Linear("head.weight", Options.Width, Options.Vocabulary);
            stream.Synchronize();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model's shape.</summary>
    public RwkvOptions Options { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>Reads a model file of rwkv.cpp.</summary>
    /// <param name="stream">Stream whose pool holds the packed weights.</param>
    /// <param name="path">The file.</param>
    /// <param name="format">How matrices are kept in memory, which a step reads whole. With a narrow format a prompt has the bits of as
    /// many steps, and a stream of several those of the stream alone.</param>
    /// <exception cref="RwkvFileException">The file is not valid, or of a version that cannot be run.</exception>
    public static RwkvModel Load(DeviceStream stream, string path, WeightFormat format = WeightFormat.Float32)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var file = RwkvFile.Open(path);
        return new RwkvModel(stream, file, format);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in _owned) part.Dispose();
        _owned.Clear();
    }

    /// <summary>Adds what the blocks remember, and returns the parts of each half in turn.</summary>
    internal DeviceTensor[][] AddState(SequenceState state) => [.. _halves.Select(half => half.Mix.AddState(state))];

    /// <summary>Enqueues L positions of every stream: tokens Int32 [B][L], logits of the last position [B][vocabulary].</summary>
    internal void Forward(DeviceStream stream, DeviceTensor tokens, ReadOnlySpan<DeviceTensor[]> state, DeviceTensor logits)
    {
        long streams = tokens.Shape[0], length = tokens.Shape[1], width = Options.Width;
        using var x = DeviceTensor.Allocate(stream, DType.Float32, streams * length, width);
        Kernels.GatherRows(stream, _embedding, tokens.Reshape(-1), x);
        DeviceTensor? delta = null, shared = null;
        using var normed = DeviceTensor.Allocate(stream, DType.Float32, x.Shape);
        for (var i = 0; i < _halves.Count; i++)
        {
            _halves[i].Norm.Forward(stream, delta, x, normed);
            delta?.Dispose();
            delta = _halves[i].Mix.Forward(stream, normed, state[i], ref shared);
        }
        shared?.Dispose();
        DeviceTensor Last(DeviceTensor t) => t.Reshape(streams, length * width).Columns((length - 1) * width, width);
        using var last = DeviceTensor.Allocate(stream, DType.Float32, streams, width);
        _lastNorm.Forward(stream, Last(delta!), Last(x), last);
        delta!.Dispose();
        _head.Forward(stream, last, logits);
    }

    private RwkvMix TimeMix(RwkvWeights weights, bool isFirst) => Options.Version switch
    {
        RwkvVersion.V4 => new Rwkv4TimeMix(weights),
        RwkvVersion.V7 => new Rwkv7TimeMix(weights, isFirst),
        _ => new Rwkv5TimeMix(weights),
    };

    // The file does not say its version: it shows in the tensors it has.
    private static RwkvOptions OptionsOf(RwkvFile file)
    {
        bool Has(string name) => file.Tensors.ContainsKey($"blocks.0.{name}");
        if (Has("att.time_maa_x")) throw file.Bad("models of version 6 cannot be run");
        var version = Has("att.r_k") ? RwkvVersion.V7
            : !Has("att.ln_x.weight") ? RwkvVersion.V4
            : Has("att.gate.weight") ? RwkvVersion.V52 : RwkvVersion.V51;
        var heads = version == RwkvVersion.V4 ? 0 : file.Find(version == RwkvVersion.V7 ? "blocks.0.att.r_k" : "blocks.0.att.time_decay").Shape[0];
        if (version != RwkvVersion.V4 && (file.Width % heads != 0 || file.Width / heads > MostKeys))
            throw file.Bad($"{heads} heads of {file.Width} channels: heads must be equal and have at most {MostKeys}");
        return new RwkvOptions
        {
            Version = version,
            Vocabulary = file.Vocabulary,
            Width = file.Width,
            Layers = file.Layers,
            Heads = (int)heads,
            Hidden = (int)file.Find("blocks.0.ffn.key.weight").Shape[0],
            Ranks = version == RwkvVersion.V7 ? new RwkvRanks(Rank(file, 0, "w"), Rank(file, 0, "a"), file.Layers > 1 ? Rank(file, 1, "v") : 0, Rank(file, 0, "g")) : default,
        };
    }

    private static int Rank(RwkvFile file, int block, string name) => (int)file.Find($"blocks.{block}.att.{name}1").Shape[0];

    // Of Kernels.GatedLinearAttention.
    private const int MostKeys = 256;
}
