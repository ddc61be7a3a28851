namespace Fovea;

/// <summary>What a pooling window computes.</summary>
public enum PoolMode
{
    /// <summary>The maximum; padding is ignored.</summary>
    Max = 0,

    /// <summary>The mean.</summary>
    Average = 1,
}
