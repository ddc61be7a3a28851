using Fovea.Interop;

namespace Fovea;

/// <summary>The largest or smallest elements of each row.</summary>
public readonly record struct TopKOptions
{
    /// <summary>How many; at most the last dimension.</summary>
    public int K { get; init; }

    /// <summary>The smallest, ascending.</summary>
    public bool Smallest { get; init; }

    internal fovea_topk_params ToNative() => new()
    {
        k = K,
        smallest = Smallest ? 1 : 0,
    };
}
