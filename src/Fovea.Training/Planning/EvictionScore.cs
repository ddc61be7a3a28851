namespace Fovea.Training.Planning;

/// <summary>How <see cref="EvictionPolicy"/> ranks what it may evict; the lowest score goes first.</summary>
public enum EvictionScore
{
    /// <summary>Cost to make the tensor and its evicted neighbourhood again, over bytes times staleness: the h of
    /// DTR.</summary>
    Neighbourhood,

    /// <summary>Cost to make the tensor alone again, over bytes times staleness.</summary>
    Local,

    /// <summary>The inverse of staleness. Grows with sqrt(n) computes per layer on a chain: a control, not a choice.</summary>
    LeastRecentlyUsed,

    /// <summary>The inverse of the bytes.</summary>
    Largest,
}
