namespace Fovea.Models.Sequences.Rwkv;

/// <summary>The shape of an RWKV model.</summary>
public sealed record RwkvOptions
{
    /// <summary>The generation.</summary>
    public required RwkvVersion Version { get; init; }

    /// <summary>Number of tokens.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Channels C.</summary>
    public required int Width { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Heads of the matrix memories; 0 for version 4.</summary>
    public int Heads { get; init; }

    /// <summary>Widths of the two-step products of version 7.</summary>
    public RwkvRanks Ranks { get; init; }

    /// <summary>Channels inside the channel mix; 4 C where nothing else is said.</summary>
    public int Hidden { get => field == 0 ? 4 * Width : field; init; }

    /// <summary>Numbers that training finds in a model of version 4: embedding and head of V x C, four norms of the whole, and per block two
    /// norms, five vectors and four C x C matrices of the time mix, two vectors, C x C and twice C x hidden of the channel mix.</summary>
    /// <exception cref="NotSupportedException">The version is another.</exception>
    public long ParameterCount
    {
        get
        {
            if (Version != RwkvVersion.V4) throw new NotSupportedException($"no formula for the parameters of {Version}");
            long c = Width, block = 11 * c + 5 * c * c + 2 * c * Hidden;
            return 2 * Vocabulary * c + 4 * c + Layers * block;
        }
    }
}
