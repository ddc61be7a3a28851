namespace Fovea.Models.Blocks;

/// <summary>What stands between a convolution and its activation.</summary>
public enum Normalization
{
    /// <summary>Batch normalisation: the batch's statistics in training, running ones in evaluation.</summary>
    Batch,

    /// <summary>Batch normalisation whose scale, shift and statistics are constants: for backbones that were trained before and see small
    /// batches.</summary>
    FrozenBatch,

    /// <summary>Group normalisation: no statistics of the batch at all.</summary>
    Group,

    /// <summary>None; the convolution has a bias instead.</summary>
    None,
}
